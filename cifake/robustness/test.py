"""Test how robust a run's model is, and log it to that run."""

import dataclasses
import logging
import shutil
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cifake.contract import PERTURBATIONS
from cifake.core.cache_directory import cache_directory
from cifake.data import Part
from cifake.robustness.options import RobustnessOptions
from cifake.robustness.perturbations import kind_of
from cifake.robustness.perturbed import PerturbedTestSet, find_doubts, measure, weighted_accuracy
from cifake.tracking.resume import only_process
from cifake.tracking.robustness_results import (
    completed_perturbations,
    log_perturbation,
    log_robustness_summary,
    robust_metrics,
)

if TYPE_CHECKING:
    import keras

CHECKED_IMAGES = 1000  # for PGD with twice the steps
PICTURED_IMAGES = 4  # in the figure of all perturbations
logger = logging.getLogger(__name__)


def run_robustness_test(
    run_id: str, load: Callable[[], "keras.Model"], test: Part, options: RobustnessOptions
) -> None:
    """Score a model under each perturbation, log each as it is done, and go on with what is missing.

    Args:
        run_id: of the model's run; its status stays as it is.
        load: gives the model, from uint8 [n, 32, 32, 3]; called when nothing stands in the way.
        test: the test part of the run's data.
        options: what to test, and how.

    Raises:
        RunError: another process does the same, or the run holds another kind of test.
    """
    folder = options.folder(len(test))
    directory = cache_directory() / "robustness" / run_id
    with only_process(directory, "robustness test"):
        whole = options.force and set(options.perturbations) == set(PERTURBATIONS)
        done = completed_perturbations(run_id, folder, replace=whole)
        names = [name for name in options.perturbations if options.force or name not in done]
        if len(names) < len(options.perturbations):
            logger.info("%d perturbations are done already; force=true tests them anew", len(done))
        model, tested = load(), first_images(test, options.images)
        _score(run_id, folder, model, tested, names, options)
        _conclude(run_id, model, tested, options)
        shutil.rmtree(directory)


def first_images(test: Part, count: int | None) -> Part:
    """The first images of a part, which are balanced over labels and object classes; None is all."""
    arrays = {field.name: getattr(test, field.name)[:count] for field in dataclasses.fields(test)}
    return Part(**arrays)


def _score(
    run_id: str,
    folder: str,
    model: "keras.Model",
    test: Part,
    names: Sequence[str],
    options: RobustnessOptions,
) -> None:
    columns = (TextColumn("{task.description:16}"), BarColumn(30), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("robustness")
        work = PerturbedTestSet(model, test, options, lambda passes: progress.advance(task, passes))
        checked = PerturbedTestSet(model, first_images(test, CHECKED_IMAGES), options)
        progress.update(task, total=sum(map(work.cost, names)))
        for name in names:
            progress.update(task, description=name)
            start = time.perf_counter()
            scores = work.scores(name)
            metrics = measure(test.labels, scores)
            if kind_of(name)[0] == "pgd":
                metrics["gain_of_more_steps"] = checked.gain_of_more_steps(name)
            log_perturbation(run_id, folder, name, test, scores, metrics)
            logger.info(
                "%-14s accuracy %.4f, ROC AUC %.4f, %.1f%% called FAKE, %.1f s", name, metrics["accuracy"],
                metrics["roc_auc"], 100 * metrics["fake_share"], time.perf_counter() - start,
            )  # fmt: skip


def _conclude(run_id: str, model: "keras.Model", test: Part, options: RobustnessOptions) -> None:
    """What follows from all perturbations that the run holds by now."""
    from cifake.robustness.figures import robustness_figures

    results = {metric: robust_metrics(run_id, metric) for metric in ("accuracy", "roc_auc", "fake_share")}
    accuracies = results["accuracy"]
    doubts = find_doubts(accuracies, robust_metrics(run_id, "gain_of_more_steps"))
    for doubt in doubts:
        logger.warning("doubt: %s", doubt)
    metrics = {"images": float(len(test)), "doubts": float(len(doubts))}
    weighted = weighted_accuracy(accuracies, options.adversary)
    if weighted is not None:
        metrics["weighted_accuracy"] = weighted
        logger.info("weighted accuracy, 0.4 clean and 0.6 %s: %.4f", options.adversary, weighted)
    shown = PerturbedTestSet(model, first_images(test, PICTURED_IMAGES), options)
    pictures = {name: shown.images(name) for name in PERTURBATIONS if name in accuracies}
    figures = robustness_figures(results, len(test), pictures)
    log_robustness_summary(run_id, metrics, doubts, figures)
