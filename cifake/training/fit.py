"""Fit a model, keep its best epoch, and report every epoch to a callback."""

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
from cifake.training.batches import Batches, feed
from cifake.training.checkpoint import Checkpoint
from cifake.training.frozen_features import is_fixed, on_features

# Steps that TensorFlow runs between two returns to Python. Measured in benchmarks/speed/training.py.
STEPS_PER_EXECUTION = 10
OnEpochEnd = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True)
class Fitted:
    """What a training did.

    Attributes:
        history: metrics by epoch, named as the run contract has them.
        best_epoch: the epoch that ``monitor`` chose, from 0.
        seconds: wall time of ``fit``, with validation and a frozen backbone's features; of all
            processes up to their last epochs, where it went on from a checkpoint.
        images: training images processed.
    """

    history: list[dict[str, float]]
    best_epoch: int
    seconds: float
    images: int


def fit(
    model: keras.Model,
    data: Dataset,
    settings: Settings,
    on_epoch_end: OnEpochEnd,
    initial_epoch: int = 0,
    cache_features: bool = True,
    checkpoint: Path | None = None,
) -> Fitted:
    """Train on the training part, with the best epoch chosen on the validation part.

    Args:
        model: see ``build_model``; compiled here, and left with the best epoch's weights
            when ``restore_best_weights`` is set.
        data: its test part is not touched.
        settings: optimizer, epochs, steps, monitor, patience.
        on_epoch_end: receives each epoch's number, from 0, and its metrics.
        initial_epoch: the epoch to go on from, from 0, with the weights that the model has.
        cache_features: run a wholly frozen backbone once an image, and train the head alone;
            the scores are the same.
        checkpoint: a file that keeps the state after each epoch; if it is there already, training
            goes on from it, and ends as if it had not been stopped. None keeps nothing.

    Raises:
        RunError: a loss that is no number, or a checkpoint that cannot be written.
    """
    start = time.perf_counter()
    steps_per_execution = STEPS_PER_EXECUTION
    if cache_features and is_fixed(settings):
        model, data = on_features(model, data, settings)
        steps_per_execution = 1  # tracing more would take longer than a head's few, quick steps save
    if settings.adversarial:
        model = against_attacks(model, settings.adversarial)
    compile_model(model, settings, steps_per_execution)
    train = Batches(data.train, settings.batch_size, settings.steps_per_epoch, settings.seed)
    validation = Batches(data.validation, settings.batch_size, settings.validation_steps)
    best = _best_epoch(settings)
    report = _Report(train, on_epoch_end)
    callbacks = [report, best]
    kept = Checkpoint(checkpoint, best, report.history) if checkpoint else None
    if kept:
        callbacks.append(kept)
        initial_epoch = kept.restore(model, settings.epochs) or initial_epoch
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
        seconds=time.perf_counter() - start + (kept.seconds if kept else 0),
        images=len(report.history) * train.images_an_epoch,
    )


def _best_epoch(settings: Settings) -> keras.callbacks.EarlyStopping:
    return keras.callbacks.EarlyStopping(
        monitor=_keras_name(settings.monitor),
        mode="max" if higher_is_better(settings.monitor) else "min",
        patience=settings.patience or settings.epochs,
        restore_best_weights=settings.restore_best_weights,
    )


def compile_model(
    model: keras.Model, settings: Settings, steps_per_execution: int = STEPS_PER_EXECUTION
) -> None:
    """Give a model its optimizer, its loss and the metrics that each epoch reports."""
    optimizer = keras.optimizers.get(settings.optimizer)
    if settings.learning_rate is not None:
        optimizer.learning_rate = settings.learning_rate
    model.compile(
        optimizer,
        loss="binary_crossentropy",
        metrics=["accuracy", keras.metrics.Precision(name="precision"), keras.metrics.Recall(name="recall")],
        steps_per_execution=steps_per_execution,
    )
    # TensorFlow would trace a step twice that makes variables, which takes half a second.
    model.optimizer.build(model.trainable_variables)
    model.compute_metrics(None, keras.ops.zeros((1,)), keras.ops.zeros((1, 1)))
    model.reset_metrics()


class _Report(keras.callbacks.Callback):
    """Pass each epoch's metrics on, and start each epoch where the last one ended."""

    def __init__(self, train: Batches, on_epoch_end: OnEpochEnd) -> None:
        super().__init__()
        self.train = train
        self.pass_on = on_epoch_end
        self.history: list[dict[str, float]] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.train.start_epoch(epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        metrics = {_contract_name(name): float(value) for name, value in (logs or {}).items()}
        metrics["learning_rate"] = float(self.model.optimizer.learning_rate)
        self.history.append(metrics)
        self.pass_on(epoch, metrics)
        if not math.isfinite(metrics["train/loss"]):
            raise RunError(
                f"epoch {epoch + 1}: expected a finite training loss, received "
                f"{metrics['train/loss']}; lower learning_rate (now {metrics['learning_rate']:g})"
            )


def _contract_name(keras_name: str) -> str:
    is_validation = keras_name.startswith("val_")
    return f"val/{keras_name[4:]}" if is_validation else f"train/{keras_name}"


def _keras_name(contract_name: str) -> str:
    return contract_name.replace("val/", "val_")
