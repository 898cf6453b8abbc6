"""Scores with and without the test images that have a near-copy in training."""

from typing import Any

import numpy as np

from cifake.comparison.comparison import Comparison, metric_title
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.groups import Group
from cifake.comparison.near_copies import find_near_copies
from cifake.comparison.statistics.crossed_effects import CrossedEffects, Estimate, Sample
from cifake.comparison.statistics.influence import INFLUENCE
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import (
    GROUP_COLUMNS,
    group_cells,
    interval_cells,
    interval_column,
    interval_text,
    metric_text,
    view_table,
)
from cifake.contract import LABELS


def near_copies(comparison: Comparison, file: str) -> Table:
    """The metric on all test images, without near-copies, and on them alone.

    Args:
        comparison: the groups.
        file: pairs of near-copies, a CSV file of an audit.

    Raises:
        RunError: the file cannot be read, or is of another data set.
    """
    if comparison.images is None:
        return view_table(
            comparison, "no predictions, so no scores without near-copies.", [*GROUP_COLUMNS], []
        )
    near = find_near_copies(comparison, file)
    key, form, name = comparison.metric.key, comparison.metric.form, comparison.metric.name
    chosen = {key: np.full(len(near), True), "without": ~near, "near_copies": near}
    estimates = {
        each: MetricEstimates(comparison, name, images) if images.sum() > 1 else None
        for each, images in chosen.items()
    }
    rows = []
    for group in (group for group in comparison.groups if group.scores):
        row = {**group_cells(group), "seeds": len(group.scores)}
        for each, of_images in estimates.items():
            estimate = of_images.mean(group) if of_images else None  # one image has no interval
            row |= {each: estimate.value if estimate else None, **interval_cells(each, estimate)}
        change = _change(comparison, group, near) if row["without"] is not None else None
        row |= {"change": change.value if change else None, **interval_cells("change", change)}
        rows.append(row)
    _rank_without(rows, bool(comparison.metric.higher_is_better))
    counts = np.bincount(comparison.images.labels[near], minlength=len(LABELS))
    of_labels = " and ".join(f"{count:,} {label}" for count, label in zip(counts, LABELS, strict=True))
    fewer = (
        " A run of split=small has seen some of those only."
        if comparison.metadata["split"] == "small"
        else ""
    )
    return view_table(
        comparison,
        f"{metric_text(comparison)}. Left out are test images that {file} pairs with a training or "
        f"validation image of the same label: {of_labels}.{fewer} The change is that of the same "
        f"models, its interval paired by image. {interval_text(comparison)}",
        [
            *GROUP_COLUMNS,
            Column(key, metric_title(comparison), form),
            Column("without", "without near-copies", form),
            interval_column(comparison, "without", form),
            Column("change", "change", f"+{form}"),
            interval_column(comparison, "change", f"+{form}"),
            Column("rank_without", "# without", "d"),
            Column("near_copies", "near-copies alone", form),
            interval_column(comparison, "near_copies", form),
        ],
        rows,
        conclusion=_conclusion(comparison, rows, near),
        essential=6,
    )  # fmt: skip


def _change(comparison: Comparison, group: Group, near: np.ndarray) -> Estimate:
    """The metric without near-copies less that on all images."""
    function, labels = INFLUENCE[comparison.metric.name], comparison.images.labels  # type: ignore[union-attr]
    everything, rest = [], []
    for scores in group.scores.values():
        everything.append(function(labels, scores))
        value, of_rest = function(labels[~near], scores[~near])
        influence = np.zeros(len(near))
        influence[~near] = of_rest * len(near) / len(of_rest)  # images that are left out have none
        rest.append((value, influence))
    samples = []
    for each in (rest, everything):
        values, influences = zip(*each, strict=True)
        samples.append(Sample(np.array(values), np.array(influences), list(group.scores)))
    return CrossedEffects(samples, comparison.confidence).difference(0, 1)


def _rank_without(rows: list[dict[str, Any]], higher: bool) -> None:
    measured = [row for row in rows if row["without"] is not None]
    for rank, row in enumerate(sorted(measured, key=lambda row: row["without"], reverse=higher), start=1):
        row["rank_without"] = rank


def _conclusion(comparison: Comparison, rows: list[dict[str, Any]], near: np.ndarray) -> str:
    changes = [row["change"] for row in rows if row["change"] is not None]
    if not changes:
        return ""
    form = f"+{comparison.metric.form}"
    least, most = (format(end, form) for end in (min(changes), max(changes)))
    by = f"by {least}" if least == most else f"by {least} to {most}"
    ranks = [row["rank_without"] for row in rows if row["change"] is not None]
    order = "" if len(ranks) == 1 else f"; the order {'stays' if ranks == sorted(ranks) else 'changes'}"
    return (
        f"Without the {int(near.sum()):,} of {len(near):,} test images that have a near-copy in training, "
        f"{metric_title(comparison)} changes {by}{order}."
    )
