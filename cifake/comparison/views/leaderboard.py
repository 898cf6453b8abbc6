"""Which variant is best, by how much, and how sure that is."""

from dataclasses import replace
from typing import Any

from cifake.comparison.comparison import Comparison
from cifake.comparison.estimates import Difference, MetricEstimates, trivial_baseline
from cifake.comparison.groups import Group
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import (
    GROUP_COLUMNS,
    difference_cells,
    difference_columns,
    group_cells,
    interval_cells,
    interval_column,
    interval_text,
    metric_cells,
    metric_column,
    metric_text,
    view_table,
)
from cifake.comparison.views.control import control_notes
from cifake.contract import describe_metric

MAIN_METRICS = (
    "test/f1", "test/accuracy", "test/precision", "test/recall", "test/loss", "test/roc_auc",
    "cost/train_seconds",
)  # fmt: skip


def leaderboard(comparison: Comparison) -> Table:
    """Groups of repeats, best first, each against the best one or the baseline."""
    estimates = MetricEstimates(comparison, comparison.metric.name)
    differences = estimates.differences([(group, comparison.reference) for group in comparison.groups])
    rows = [
        _row(comparison, estimates, group, difference)
        for group, difference in zip(comparison.groups, differences, strict=True)
    ]
    return view_table(
        comparison,
        _caption(comparison, differences),
        _columns(comparison, rows),
        rows,
        [*control_notes(comparison), *comparison.notes],
    )


def _row(
    comparison: Comparison, estimates: MetricEstimates, group: Group, difference: Difference | None
) -> dict[str, Any]:
    return {
        **group_cells(group),
        "config_hash": group.config_hash,
        **metric_cells(group, comparison.metric.key),
        **interval_cells(comparison.metric.key, estimates.mean(group)),
        "reference": group is comparison.reference,
        **difference_cells(difference),
        **{
            k: v
            for key in MAIN_METRICS
            if key != comparison.metric.key
            for k, v in metric_cells(group, key).items()
        },
    }


def _columns(comparison: Comparison, rows: list[dict[str, Any]]) -> list[Column]:
    rank, *others = GROUP_COLUMNS
    form = comparison.metric.form
    interval = interval_column(comparison, comparison.metric.key, form)
    return [
        replace(rank, mark="tied"),
        *others,
        metric_column(comparison),
        *([interval] if any(row[interval.key] is not None for row in rows) else []),
        *difference_columns(comparison, rows),
        *(
            Column(key, describe_metric(key).title, describe_metric(key).form)
            for key in MAIN_METRICS
            if key != comparison.metric.key and any(row[key] is not None for row in rows)
        ),
    ]


def _caption(comparison: Comparison, differences: list[Difference | None]) -> str:
    caption = f"{metric_text(comparison)}. Mean ± standard deviation over seeds."
    compared = sum(difference is not None for difference in differences)
    if not any(group.scores for group in comparison.groups):
        return caption
    caption += f" {interval_text(comparison)}"
    if trivial := trivial_baseline(comparison):
        value, answer = trivial
        caption += f" Always answering {answer} gives {value:{comparison.metric.form}}."
    if not compared:
        return caption
    name = comparison.reference.name
    return (
        f"{caption} Differences are from {name}, paired by image; p is adjusted for {compared} "
        f"comparison{'s' if compared > 1 else ''} (Holm), intervals are not. "
        f"= marks a tie: it cannot be told from {name} (p ≥ {1 - comparison.confidence:.2g}), "
        "which does not prove the two equal."
    )
