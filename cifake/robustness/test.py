"""Test how robust a run's model is, and log it to that run."""

import logging
import shutil
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

from cifake.contract import PERTURBATIONS, ROBUSTNESS_TAG, VARIANT_TAG, parse_perturbation
from cifake.core.cache_directory import cache_directory
from cifake.core.errors import RunError
from cifake.core.progress import progress_bar
from cifake.data import Part
from cifake.robustness.options import RobustnessOptions
from cifake.robustness.perturbed import PerturbedTestSet, find_doubts, measure, weighted_accuracy
from cifake.tracking.permissions import expect_writable
from cifake.tracking.resume import only_process
from cifake.tracking.retry import client
from cifake.tracking.robustness_results import (
    completed_perturbations,
    folder_of_test,
    log_perturbation,
    log_robustness_test,
)

if TYPE_CHECKING:
    import keras

CHECKED_IMAGES = 1000  # for PGD with twice the steps
PICTURED_IMAGES = 4  # in the figure of all perturbations
Results = dict[str, dict[str, float]]  # metrics by name, by perturbation
logger = logging.getLogger(__name__)


def run_robustness_test(
    run_id: str, load: Callable[[], "keras.Model"], test: Part, options: RobustnessOptions
) -> None:
    """Score a run's model under each perturbation that is still missing, then log the complete test.

    The run's status stays as it is; ``load`` gives the model, after all checks.

    Raises:
        RunError: another process tests the same run, or the run has a test of another kind, or the adversary
            is neither tested nor was.
    """
    directory = cache_directory() / "robustness" / run_id
    kind = options.kind(len(test))
    with only_process(directory, "robustness test"):
        _check_adversary(run_id, kind, options)
        folder = folder_of_test(run_id, kind, options.perturbations, options.force)
        results = completed_perturbations(run_id, folder)
        missing = [name for name in options.perturbations if name not in results]
        if len(missing) < len(options.perturbations):
            logger.info("%d perturbations are done already; force=true tests them again", len(results))
        expect_writable(run_id)
        model, tested = load(), test.first(options.images)
        results |= _score(run_id, folder, model, tested, missing, options)
        _conclude(run_id, folder, model, tested, results, options)
        shutil.rmtree(directory)


def _check_adversary(run_id: str, kind: str, options: RobustnessOptions) -> None:
    if "adversary" not in options.model_fields_set or options.adversary in options.perturbations:
        return
    present = client.get_run(run_id).data.tags.get(ROBUSTNESS_TAG) or kind
    if options.adversary not in completed_perturbations(run_id, present):
        raise RunError(
            f"adversary: expected an attack that is tested or that run {run_id} was tested under, received "
            f"{options.adversary}; add it to perturbations="
        )


def _score(
    run_id: str,
    folder: str,
    model: "keras.Model",
    test: Part,
    names: Sequence[str],
    options: RobustnessOptions,
) -> Results:
    results = {}
    columns = (TextColumn("{task.description:16}"), BarColumn(30), TimeRemainingColumn())
    with progress_bar(*columns, transient=False) as progress:
        task = progress.add_task("robustness")
        perturbed = PerturbedTestSet(model, test, options, lambda passes: progress.advance(task, passes))
        checked = PerturbedTestSet(model, test.first(CHECKED_IMAGES), options)
        progress.update(task, total=sum(map(perturbed.cost, names)))
        for name in names:
            progress.update(task, description=name)
            start = time.perf_counter()
            scores = perturbed.scores(name)
            metrics = measure(test.labels, scores)
            if parse_perturbation(name)[0] == "pgd":
                metrics["gain_of_more_steps"] = checked.gain_of_more_steps(name)
            log_perturbation(run_id, folder, name, test, scores, metrics)
            results[name] = metrics
            logger.info(
                "%-14s accuracy %.4f, ROC AUC %.4f, %.1f%% called FAKE, %.1f s", name, metrics["accuracy"],
                metrics["roc_auc"], 100 * metrics["fake_share"], time.perf_counter() - start,
            )  # fmt: skip
    return results


def _conclude(
    run_id: str, folder: str, model: "keras.Model", test: Part, results: Results, options: RobustnessOptions
) -> None:
    """Check the attacks, draw the figures and log the complete test."""
    from cifake.robustness.robustness_figures import robustness_figures

    curves = {
        metric: {name: metrics[metric] for name, metrics in results.items() if metric in metrics}
        for metric in ("accuracy", "roc_auc", "fake_share", "gain_of_more_steps")
    }
    doubts = find_doubts(curves["accuracy"], curves["gain_of_more_steps"])
    for doubt in doubts:
        logger.warning("doubt: %s", doubt)
    summary, adversary = {"images": float(len(test)), "doubts": float(len(doubts))}, None
    weighted = weighted_accuracy(curves["accuracy"], options.adversary)
    if weighted is not None:
        summary["weighted_accuracy"], adversary = weighted, options.adversary
        logger.info("weighted accuracy, 0.4 clean and 0.6 %s: %.4f", adversary, weighted)
    pictured = PerturbedTestSet(model, test.first(PICTURED_IMAGES), options)
    pictures = {name: pictured.images(name) for name in PERTURBATIONS if name in results}
    run = client.get_run(run_id).data
    figures = robustness_figures(curves, len(test), pictures, run.tags[VARIANT_TAG], run.params["seed"])
    log_robustness_test(run_id, folder, results, summary, doubts, figures, adversary)
