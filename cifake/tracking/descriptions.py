"""Descriptions that MLflow shows on a page: of a variant's run, of a suite's run."""

import math
import re
from collections.abc import Mapping

from cifake.contract import CIFAKE, FIGURES, NOTE_TAG, OF_PREDICTIONS
from cifake.tracking.retry import client
from cifake.tracking.run_values import log_values

LONGEST = 8000  # characters; the most that a tag takes
IN_TABLE = ("f1", "accuracy", "precision", "recall", "roc_auc")
PICTURES = ("history.png", "confusion_matrix.png")  # up to 700 pixels wide: the page does not shrink them
NO_KEY = re.compile(r"[^\w\-. :/]")  # what no metric's key may hold


def data_mark(dataset: str) -> str:
    """What begins the names of runs, and of their models, on other data than CIFAKE."""
    return "" if dataset == CIFAKE else f"{dataset}: "


def describe_run(
    purpose: str, metrics: Mapping[str, float], n: int, dataset: str, run_id: str, charts: str
) -> str:
    """Markdown for a run with n test images of a data set.

    MLflow shows the first lines at once, figures after a click. ``charts`` is the path of the page that shows
    its curves beside those of other runs.
    """
    accuracy = metrics["test/accuracy"]
    half = 1.96 * math.sqrt(accuracy * (1 - accuracy) / n)  # of a normal 95 % interval
    result = (
        f"**F1 {metrics['test/f1']:.4f}**, accuracy {accuracy:.4f} ± {half:.4f} (95 %, over {n:,} "
        f"test images of {dataset}; seeds add to it). Look at "
        f"[the worst mistakes]({_artifact('worst_mistakes.png', run_id)}) and [the curves]({charts}), then "
        "at other seeds and variants: `python compare.py --metric f1`."
    )
    best = int(metrics["best_epoch"])
    kept = f"Epoch {best + 1} is kept, counted from 1; MLflow's steps and `best_epoch` count from 0."
    rows = [f"| {OF_PREDICTIONS[name].title} | {metrics[f'test/{name}']:.4f} |" for name in IN_TABLE]
    table = "\n".join(["| FAKE is positive, from 0.5 on | test |", "|:--|--:|", *rows])
    pictures = [f"![{name}]({_artifact(name, run_id)})" for name in PICTURES]
    return "\n\n".join(part for part in (purpose, result, table, kept, *pictures) if part)


def _artifact(figure: str, run_id: str) -> str:
    """Where MLflow's server has a figure, relative to its pages."""
    return f"get-artifact?path={FIGURES}/{figure}&run_uuid={run_id}"


def log_ranking(run_id: str, note: str, metrics: Mapping[str, float], page: str) -> None:
    """Add the ranking of a suite to its run, which stays finished: Markdown, the groups' means, HTML."""
    client.log_text(run_id, page, "report.html")
    values = {NO_KEY.sub("_", key): value for key, value in metrics.items()}
    log_values(run_id, values, {NOTE_TAG: note[:LONGEST]})
