"""The way from settings to a tracked, evaluated model."""

import functools
import logging
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cifake.config import Settings, TunerSettings
from cifake.data import Dataset, Part
from cifake.robustness.options import RobustnessOptions
from cifake.robustness.test import run_robustness_test
from cifake.tracking.identity import checkpoint_directory, run_key
from cifake.tracking.resolved_model import find_model
from cifake.tracking.results import log_model, log_result
from cifake.tracking.resume import only_process
from cifake.tracking.robustness_results import was_tested
from cifake.tracking.run import active_run_id, epoch_log, tracked_run
from cifake.tracking.trials import log_search, search_directory, tracked_trial
from cifake.tracking.ui import describe_address, experiment_of

if TYPE_CHECKING:
    import keras

    from cifake.search.trial import Trial
    from cifake.training.fit import Fitted, OnEpochEnd

logger = logging.getLogger(__name__)


def train(
    variant: str,
    settings: Settings,
    data: Dataset,
    start: float,
    *,
    watch: "OnEpochEnd | None" = None,
    parent: str | None = None,
    anew: bool = False,
) -> str:
    """Run the way from settings to a tracked, evaluated model; with a search first where there is one.

    A training that was stopped, whatever stopped it, goes on after its last epoch, in its run; a search
    after its last trial. Of a search over several processes the chief trains, workers only help to search.

    Args:
        variant: its name.
        settings: as resolved.
        data: all three parts; the test part is read once, after training.
        start: when the command began, by ``time.perf_counter``.
        watch: also receives each epoch's number, from 0, and its metrics.
        parent: the run that this one belongs to.
        anew: go on with nothing that was stopped.

    Returns:
        The MLflow run's id; of a worker of a search, nothing.

    Raises:
        RunError: another process does the same at this moment.
    """
    tuner, search = settings.tuner, None
    if tuner:
        directory = search_directory(settings, data)
        search = directory.name
        if "chief" not in os.environ.get("KERASTUNER_TUNER_ID", "chief"):
            _run_trials(settings, tuner, data, directory)
            return ""
    else:
        directory = checkpoint_directory(run_key(settings, data.digest))
    with only_process(directory, "search" if tuner else "training"):
        with tracked_run(variant, settings, data, search=search, parent=parent, anew=anew) as run_id:
            chosen = _search(settings, tuner, data, directory) if tuner else settings
            checkpoint = directory / f"{run_id}-{chosen.config_hash()}.npz"
            fit_and_evaluate(chosen, settings, data, start, checkpoint, watch)
        if tuner:
            checkpoint.unlink()  # the trials stay: the same search is not run again
        else:
            shutil.rmtree(directory)
    logger.info("run %s of %s is finished", run_id, variant)
    if not parent:
        logger.info(describe_address(experiment_of(run_id)))
    return run_id


def _search(settings: Settings, tuner: TunerSettings, data: Dataset, directory: Path) -> Settings:
    """Search, log what was found, and say which settings to train."""
    from cifake.search.figure import search_figure
    from cifake.search.run_search import at_trial, best_trial

    trials = _run_trials(settings, tuner, data, directory)
    best = best_trial(trials, tuner)
    chosen = at_trial(settings, best)
    log_search(trials, best, chosen, search_figure(trials, tuner, settings.search or {}))
    logger.info("training the settings of trial %d", best.number)
    return chosen


def _run_trials(settings: Settings, tuner: TunerSettings, data: Dataset, directory: Path) -> "list[Trial]":
    from cifake.search.run_search import search

    return search(settings, tuner, data, directory, functools.partial(tracked_trial, directory.name))


def fit_and_evaluate(
    chosen: Settings,
    settings: Settings,
    data: Dataset,
    start: float,
    checkpoint: Path,
    watch: "OnEpochEnd | None" = None,
) -> None:
    """Train a model and log what became of it, in the active run.

    Args:
        chosen: what to train.
        settings: what the run is logged with; others than ``chosen`` after a search.
        data: all three parts.
        start: when the command began.
        checkpoint: the file that keeps the training's state.
        watch: see ``train``.
    """
    import keras

    from cifake.models import build_model, serving_model
    from cifake.training import fit

    log_epoch = epoch_log()

    def on_epoch_end(epoch: int, metrics: dict[str, float]) -> None:
        log_epoch(epoch, metrics)
        if watch:
            watch(epoch, metrics)

    keras.utils.set_random_seed(chosen.seed)
    model = build_model(chosen)
    show_progress = sys.stdout.isatty() and not watch
    fitted = fit(model, data, chosen, on_epoch_end, show_progress=show_progress, checkpoint=checkpoint)
    log_epoch.deliver()
    serving = serving_model(model, chosen)
    evaluate(serving, fitted, data, settings, start)
    if settings.robustness:
        run_robustness_test(active_run_id(), lambda: serving, data.test, RobustnessOptions())


def lacks_test(run_id: str, settings: Settings) -> bool:
    """Whether settings ask for a robustness test that a finished run has not had, or only in part."""
    return settings.robustness and not was_tested(run_id, RobustnessOptions().perturbations)


def complete_robustness_test(run_id: str, test: Part) -> None:
    """Make up for the robustness test of a finished run, or for what is missing of it."""
    run_robustness_test(run_id, find_model(run_id).load, test, RobustnessOptions())


def evaluate(model: "keras.Model", fitted: "Fitted", data: Dataset, settings: Settings, start: float) -> None:
    """Score a trained model on the test part, and log the result, the figures and the model."""
    from cifake.evaluation.classification_report import classification_report
    from cifake.evaluation.figures import run_figures
    from cifake.evaluation.metrics import score
    from cifake.evaluation.scoring import latency_ms, predict

    scores = predict(model, data.test.images)
    results = score(data.test.labels, scores)
    log_model(model, settings.export)
    log_result(
        test=data.test,
        scores=scores,
        metrics={
            **{f"test/{name}": value for name, value in results.items()},
            "best_epoch": fitted.best_epoch,
            "cost/parameters": model.count_params(),
            "cost/train_seconds": fitted.seconds,
            "cost/images_per_second": fitted.images / fitted.seconds,
            "cost/latency_ms": latency_ms(model, data.test.images[0]),
            "cost/total_seconds": time.perf_counter() - start,
        },
        figures=run_figures(fitted.history, fitted.best_epoch, data.test, scores),
        report=classification_report(data.test.labels, scores),
        settings=settings,
    )
    logger.info(
        "test accuracy %.4f, F1 of FAKE %.4f, on %s images of %s",
        results["accuracy"], results["f1"], f"{len(scores):,}", data.name,
    )  # fmt: skip
