"""The pipeline that every variant goes through: from settings to a tracked, evaluated model."""

import contextlib
import logging
import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from cifake.cli.training_progress import show_training
from cifake.config import Settings, TransferSettings, TunerSettings
from cifake.data import Dataset, Part
from cifake.robustness.options import RobustnessOptions
from cifake.robustness.test import run_robustness_test
from cifake.search.trial import Trial, is_worker
from cifake.tracking.epochs import EpochLog
from cifake.tracking.identity import checkpoint_directory, run_key
from cifake.tracking.queries import experiment_of
from cifake.tracking.resolved_model import model_of
from cifake.tracking.results import log_model, log_result
from cifake.tracking.resume import only_process
from cifake.tracking.retry import client
from cifake.tracking.robustness_results import was_tested
from cifake.tracking.run import tracked_run
from cifake.tracking.run_values import log_values
from cifake.tracking.trials import log_search, search_directory, tracked_trial
from cifake.tracking.ui import describe_address

if TYPE_CHECKING:
    import keras

    from cifake.training.fit import Fitted, OnEpochEnd

Watch = Callable[[str, int, str], contextlib.AbstractContextManager["OnEpochEnd"]]
logger = logging.getLogger(__name__)


def train(
    variant: str,
    settings: Settings,
    data: Dataset,
    *,
    watch: Watch = show_training,
    parent: str | None = None,
    from_scratch: bool = False,
) -> str:
    """Train, evaluate and track a variant; with settings for a tuner, search first.

    Unless ``from_scratch``, a training that was stopped, for whatever reason, resumes in its run after its
    last epoch; a search after its last trial. When several processes share a search the chief trains,
    workers only search. The test part is read once, after training.

    Without a ``parent``, the run that this one belongs to, the process exists for this training, and its
    whole lifetime counts as ``cost/total_seconds``. ``watch`` shows a training or a trial, as
    ``cifake.cli.training_progress.show_training`` does.

    Returns:
        The MLflow run's id; empty for a worker of a search.

    Raises:
        ConfigError: settings that no model can be built from; then there is no run.
        RunError: another process does the same at this moment.
    """
    started = time.time() if parent else psutil.Process().create_time()
    tuner = settings.tuner
    if tuner:
        directory = search_directory(settings, data)
        if is_worker():
            _run_trials(settings, tuner, data, directory, watch)
            return ""
    else:
        directory = checkpoint_directory(run_key(settings, data.digest))
    with only_process(directory, "search" if tuner else "training"):
        if not tuner or isinstance(settings.model, TransferSettings):
            model = _build(settings)  # also before a search: a backbone that cannot be loaded leaves no run
        random_state = random.getstate()  # adversarial training draws numbers, and MLflow may
        search = directory.name if tuner else None
        with tracked_run(variant, settings, data, search, parent, from_scratch) as run_id:
            random.setstate(random_state)
            chosen = _search(run_id, variant, settings, tuner, data, directory, watch) if tuner else settings
            if tuner:
                model = _build(chosen)
            checkpoint = directory / f"{run_id}-{chosen.config_hash()}.npz"
            with watch(variant, chosen.epochs, chosen.monitor) as show_epoch:
                serving, fitted = _fit(run_id, model, chosen, data, checkpoint, show_epoch)
            evaluate(run_id, serving, fitted, data, settings, variant)
            log_values(run_id, {"cost/total_seconds": time.time() - started})
            if settings.robustness:
                run_robustness_test(run_id, lambda: serving, data.test, RobustnessOptions())
        if tuner:
            checkpoint.unlink()  # the trials stay: the same search is not run again
        else:
            shutil.rmtree(directory)
    logger.info("run %s of %s is finished", run_id, variant)
    if not parent:
        logger.info(describe_address(experiment_of(run_id)))
    return run_id


def _search(
    run_id: str,
    variant: str,
    settings: Settings,
    tuner: TunerSettings,
    data: Dataset,
    directory: Path,
    watch: Watch,
) -> Settings:
    """Search, log the result, and return the settings to train."""
    from cifake.search.figure import search_figure
    from cifake.search.run_search import at_trial, best_trial

    trials = _run_trials(settings, tuner, data, directory, watch)
    best = best_trial(trials, tuner)
    chosen = at_trial(settings, best)
    log_search(run_id, trials, best, chosen, search_figure(trials, best, tuner, settings, variant))
    logger.info("training the settings of trial %d", best.number)
    return chosen


def _run_trials(
    settings: Settings, tuner: TunerSettings, data: Dataset, directory: Path, watch: Watch
) -> list[Trial]:
    from cifake.search.run_search import search

    @contextlib.contextmanager
    def track(number: int, values: Mapping[str, Any], chosen: Settings) -> "Iterator[OnEpochEnd]":
        tracked = tracked_trial(directory.name, number, values, chosen)
        with tracked as log_epoch, watch(f"trial {number}", chosen.epochs, chosen.monitor) as show_epoch:
            yield _both(log_epoch, show_epoch)

    return search(settings, tuner, data, directory, track)


def _both(first: "OnEpochEnd", second: "OnEpochEnd") -> "OnEpochEnd":
    def on_epoch_end(epoch: int, metrics: dict[str, float]) -> None:
        first(epoch, metrics)
        second(epoch, metrics)

    return on_epoch_end


def _build(settings: Settings) -> "keras.Model":
    import keras

    from cifake.models import build_model

    keras.utils.set_random_seed(settings.seed)
    return build_model(settings)


def _fit(
    run_id: str,
    model: "keras.Model",
    settings: Settings,
    data: Dataset,
    checkpoint: Path,
    show_epoch: "OnEpochEnd",
) -> "tuple[keras.Model, Fitted]":
    """Train a model, logging its epochs; the trained model as it is served, and what the training did."""
    from cifake.models import serving_model
    from cifake.training import fit

    log_epoch = EpochLog(run_id)
    fitted = fit(model, data, settings, _both(log_epoch, show_epoch), checkpoint=checkpoint)
    log_epoch.deliver()
    logger.info(
        "best epoch %d of %d: %s %.4f", fitted.best_epoch + 1, len(fitted.history), settings.monitor,
        fitted.history[fitted.best_epoch][settings.monitor],
    )  # fmt: skip
    return serving_model(model, settings), fitted


def lacks_test(run_id: str, settings: Settings) -> bool:
    """Whether settings ask for a robustness test that a finished run does not have, or not all of it."""
    options = RobustnessOptions()
    return settings.robustness and not was_tested(run_id, options.kind, options.perturbations)


def complete_robustness_test(run_id: str, test: Part) -> None:
    """Run the robustness test of a finished run, or what is missing of it."""
    run_robustness_test(run_id, model_of(client.get_run(run_id)).load, test, RobustnessOptions())


def evaluate(
    run_id: str, model: "keras.Model", fitted: "Fitted", data: Dataset, settings: Settings, variant: str
) -> None:
    """Score a trained model on the test part, and log the result, the figures and the model.

    Beside the test metrics the run gets the validation metrics of the best epoch, ``best/val_...``: the
    last values of ``val/...`` are those of the last epoch.
    """
    from cifake.evaluation.metrics import classification_report, score
    from cifake.evaluation.run_figures import run_figures
    from cifake.evaluation.scoring import latency_ms, predict
    from cifake.models.operations import count_operations

    scores = predict(model, data.test.images)
    results = score(data.test.labels, scores)
    best = fitted.history[fitted.best_epoch]
    log_model(run_id, model, settings.export)
    log_result(
        run_id,
        test=data.test,
        scores=scores,
        metrics={
            **{f"test/{name}": value for name, value in results.items()},
            **{f"best/{key.replace('/', '_')}": best[key] for key in best if key.startswith("val/")},
            "best_epoch": fitted.best_epoch,
            "cost/parameters": model.count_params(),
            "cost/operations": count_operations(model),
            "cost/train_seconds": fitted.seconds,
            "cost/images_per_second": fitted.images / fitted.seconds,
            "cost/latency_ms": latency_ms(model, data.test.images[0]),
        },
        figures=run_figures(fitted.history, fitted.best_epoch, data.test, scores, variant, settings.seed),
        report=classification_report(data.test.labels, scores),
        settings=settings,
    )
    logger.info(
        "test accuracy %.4f, F1 of FAKE %.4f, on %s images of %s",
        results["accuracy"], results["f1"], f"{len(scores):,}", data.name,
    )  # fmt: skip
