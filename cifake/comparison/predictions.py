"""Predictions of runs on the same images, which alone can be paired."""

import hashlib
from collections import Counter

import numpy as np
import pandas as pd

from cifake.comparison.notes import note
from cifake.comparison.prediction_files import Predictions, fetch_predictions, read_paths
from cifake.comparison.run_source import PredictionsFile, RunSource
from cifake.comparison.runs import GROUP
from cifake.contract import (
    OF_PREDICTIONS,
    OTHER_SETS,
    PREDICTIONS,
    ROBUST,
    ROBUSTNESS_TAG,
    TEST_IMAGES_TAG,
    WEIGHTED_SETS,
)

REASONS_LISTED = 20


def is_of_predictions(metric: str) -> bool:
    """Whether a key, such as ``test/f1`` or ``robust/pgd_2/accuracy``, is computed from predictions.

    A weighted mean over test sets has none of its own.
    """
    part, _, name = metric.rpartition("/")
    if part == f"{OTHER_SETS}{WEIGHTED_SETS}":
        return False
    return (part == "test" or part.startswith((ROBUST, OTHER_SETS))) and name in OF_PREDICTIONS


def pairable(
    store: RunSource, runs: pd.DataFrame, names: dict[str, str], metric: str
) -> tuple[dict[str, Predictions], list[str]]:
    """Predictions by run id that are of the same images, and a note on each run without.

    Args:
        store: that the runs are from.
        runs: see ``fetch_runs``.
        names: what to call each group, by its key.
        metric: a key that is of predictions.
    """
    if not metric.startswith("test/"):
        runs = runs[runs[metric].notna()] if metric in runs else runs[:0]  # others were not tested
    fetched = fetch_predictions(store, _files(runs, metric))
    expected = runs.set_index("run_id")[TEST_IMAGES_TAG]
    if metric.startswith((ROBUST, OTHER_SETS)):
        expected[:] = ""  # a robustness test may be of the first images alone
    one_label_will_do = metric.startswith(OTHER_SETS)
    for run_id, result in fetched.items():
        if isinstance(result, Predictions):
            fetched[run_id] = _fault(result, expected[run_id], one_label_will_do) or result
    images = {run_id: str(each.images) for run_id, each in fetched.items() if isinstance(each, Predictions)}
    if images:
        common = Counter(images.values()).most_common(1)[0][0]
        other = [run_id for run_id, of_run in images.items() if of_run != common]
        fetched |= dict.fromkeys(other, "was scored on other test images than most runs")
    reasons = [
        note(
            "no-predictions",
            f"{names[key]}, run {run_id}: {fetched[run_id]}; not in intervals and tests.",
        )
        for run_id, key in zip(runs["run_id"], runs[GROUP], strict=True)
        if isinstance(fetched[run_id], str)
    ]
    if len(reasons) > 1 and len(set(map(str, fetched.values()))) == 1:
        reasons = [
            note("no-predictions", f"Every run {next(iter(fetched.values()))}; no intervals and tests.")
        ]
    if len(reasons) > REASONS_LISTED:
        reasons[REASONS_LISTED:] = [
            note("no-predictions", f"{len(reasons) - REASONS_LISTED} more runs are without, too.")
        ]
    return {run_id: each for run_id, each in fetched.items() if isinstance(each, Predictions)}, reasons


def _fault(predictions: Predictions, expected: str, one_label_will_do: bool) -> str:
    """Why a run's predictions cannot be used; empty if they can."""
    fakes, size = np.count_nonzero(predictions.labels), len(predictions.labels)
    if expected not in ("", str(size)):
        return f"has {size:,} predictions, expected {expected}"
    if size < 2:
        return "has fewer than two test images"
    return "has test images of one label only" if fakes in (0, size) and not one_label_will_do else ""


def image_paths(store: RunSource, run: pd.DataFrame, metric: str) -> list[str]:
    """The paths of the images that a run's predictions are of, in order.

    Args:
        store: that the run is from.
        run: its row, see ``fetch_runs``.
        metric: a key that is of predictions.

    Raises:
        RunError: they cannot be read.
    """
    (file,) = _files(run, metric)
    return read_paths(store, file)


def _files(runs: pd.DataFrame, metric: str) -> list[PredictionsFile]:
    """Where the predictions are that a metric is of."""
    if not metric.startswith((ROBUST, OTHER_SETS)):
        rows = zip(runs["run_id"], runs["artifacts"], strict=True)
        return [PredictionsFile(run_id, artifacts, PREDICTIONS, run_id) for run_id, artifacts in rows]
    prefix, images, _ = metric.split("/")
    columns = sorted(str(key) for key in runs if str(key).startswith(f"{prefix}/{images}/"))
    files = []
    for row in runs.to_dict("records"):
        folder = (row[ROBUSTNESS_TAG] or "robustness") if metric.startswith(ROBUST) else prefix
        file = f"{folder}/{images}.parquet"
        # A test may have been replaced, by earlier versions in the same folder: its metrics tell it then.
        which = repr([file, *(row[key] for key in columns)])
        name = f"{row['run_id']}-{prefix}-{images}-{hashlib.sha256(which.encode()).hexdigest()[:16]}"
        files.append(PredictionsFile(row["run_id"], row["artifacts"], file, name))
    return files
