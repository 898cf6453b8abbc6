"""Fit a model, keep its best epoch, and pass the metrics of each epoch on."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras

from cifake.config import Settings
from cifake.contract import higher_is_better
from cifake.core.errors import RunError
from cifake.data import Dataset
from cifake.training.adversarial import against_attacks
from cifake.training.averaging import Averaging
from cifake.training.batches import Batches, feed
from cifake.training.checkpoint import Checkpoint
from cifake.training.compile import STEPS_PER_EXECUTION, compile_model
from cifake.training.frozen_features import is_fixed, on_features
from cifake.training.fused_normalisation import fused_normalisation
from cifake.training.transforms import transform_of

OnEpochEnd = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Fitted:
    """The result of a training.

    Its seconds are the wall time of ``fit``, with validation and a frozen backbone's features; of a resumed
    training, with that of earlier processes up to their last saved epochs.
    """

    history: list[dict[str, float]]  # metrics by epoch, with the keys of the run contract
    best_epoch: int  # that with the best ``monitor``, from 0
    seconds: float
    images: int  # training images processed


def fit(
    model: keras.Model,
    data: Dataset,
    settings: Settings,
    on_epoch_end: OnEpochEnd,
    initial_epoch: int = 0,
    cache_features: bool = True,
    checkpoint: Path | None = None,
) -> Fitted:
    """Train on the training part, and choose the best epoch on the validation part.

    Args:
        model: compiled here, and left with the best epoch's weights when ``restore_best_weights`` is set.
        data: its test part is not read.
        settings: those that the model was built with.
        on_epoch_end: receives each epoch's number, from 0, and its metrics.
        initial_epoch: the epoch to start with, from 0, if the model's weights are trained already.
        cache_features: run a frozen backbone once per image, and train the head alone; the scores are
            the same.
        checkpoint: a file for the state after each epoch, from which a stopped training resumes, and
            ends as an uninterrupted one does. None saves nothing.

    Raises:
        RunError: a loss that is not finite, or a checkpoint that cannot be written.
    """
    start = time.perf_counter()
    steps_per_execution = STEPS_PER_EXECUTION
    if cache_features and is_fixed(settings):
        model, data = on_features(model, data, settings)
        steps_per_execution = 1  # tracing more takes longer than it saves in a head's few quick steps
    if settings.adversarial:
        model = against_attacks(model, settings.adversarial)
    train = Batches(
        data.train, settings.batch_size, settings.steps_per_epoch, settings.seed, transform_of(settings)
    )
    validation = Batches(data.validation, settings.batch_size, settings.validation_steps)
    compile_model(model, settings, steps_per_execution, train.num_batches, initial_epoch)
    best = keras.callbacks.EarlyStopping(
        monitor=settings.monitor.replace("val/", "val_"),
        mode="max" if higher_is_better(settings.monitor) else "min",
        patience=settings.patience or settings.epochs,
        restore_best_weights=settings.restore_best_weights,
    )
    report = _Report(train, on_epoch_end)
    callbacks = [report, best]
    if settings.ema:
        callbacks.append(Averaging(train.images, keep=not settings.restore_best_weights))
    saved = Checkpoint(checkpoint, best, report.history) if checkpoint else None
    if saved:
        callbacks.append(saved)
        initial_epoch = saved.restore(model, settings.epochs) or initial_epoch
    with fused_normalisation(model):
        model.fit(
            feed(train),
            shuffle=False,  # the batches are shuffled already
            validation_data=feed(validation),
            initial_epoch=initial_epoch,
            epochs=settings.epochs,
            verbose=0,
            callbacks=callbacks,
        )
    return Fitted(
        history=report.history,
        best_epoch=best.best_epoch,
        seconds=time.perf_counter() - start + (saved.seconds if saved else 0),
        images=len(report.history) * train.images_an_epoch,
    )


class _Report(keras.callbacks.Callback):
    """Pass the metrics of each epoch on, and choose its images at its start."""

    def __init__(self, train: Batches, on_epoch_end: OnEpochEnd) -> None:
        super().__init__()
        self.train = train
        self.pass_on = on_epoch_end
        self.history: list[dict[str, float]] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.train.start_epoch(epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        metrics = {
            f"val/{name[4:]}" if name.startswith("val_") else f"train/{name}": float(value)
            for name, value in (logs or {}).items()
        }
        metrics["learning_rate"] = float(self.model.optimizer.learning_rate)
        self.history.append(metrics)
        self.pass_on(epoch, metrics)
        if not math.isfinite(metrics["train/loss"]):
            raise RunError(
                f"epoch {epoch + 1}: expected a finite training loss, received "
                f"{metrics['train/loss']}; lower learning_rate (now {metrics['learning_rate']:g})"
            )
