"""What the metric costs: which groups no other beats in both."""

import math
from itertools import combinations
from typing import Any

import numpy as np

from cifake.comparison.comparison import Comparison
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import (
    GROUP_COLUMNS,
    group_cells,
    metric_cells,
    metric_column,
    metric_text,
    partial_notes,
    view_table,
)
from cifake.contract import describe_metric

COSTS = ("cost/parameters", "cost/train_seconds", "cost/latency_ms")
NOISY = COSTS[1:]  # those that vary over seeds


def pareto(comparison: Comparison) -> Table:
    """The metric beside three costs, and for which of them a group is on the front."""
    groups = comparison.groups
    rows: list[dict[str, Any]] = [
        {
            **group_cells(group),
            **metric_cells(group, comparison.metric.key),
            **{k: v for cost in COSTS for k, v in metric_cells(group, cost).items()},
        }
        for group in groups
    ]
    sign = 1 if comparison.metric.higher_is_better else -1
    tied = _ties(comparison)
    for cost in COSTS:
        seeds = {group.name: group.values(cost) for group in groups}
        for row in rows:
            row[f"{cost}_front"] = not any(
                _beats(
                    _gain(other, row, comparison.metric.key, sign, tied),
                    _saving(seeds[other["variant"]], seeds[row["variant"]]),
                )
                for other in rows
                if other is not row
            )
    for row in rows:
        on = [describe_metric(cost).title for cost in COSTS if row[cost] is not None and row[f"{cost}_front"]]
        row["front"] = ", ".join(on) or None
    return view_table(
        comparison,
        f"{metric_text(comparison)}. Mean ± standard deviation over seeds. A group is on the "
        "front of a cost when no other is at least as good and as cheap, and better in one. A difference "
        "that cannot be told is none; costs differ where all seeds of one are below all of the other.",
        [
            *GROUP_COLUMNS,
            metric_column(comparison),
            Column("front", "on the front of"),
            *(
                Column(
                    cost,
                    describe_metric(cost).title,
                    describe_metric(cost).form,
                    spread=f"{cost}_std" if cost in NOISY else None,
                )
                for cost in COSTS
            ),
        ],
        rows,
        [*partial_notes(groups, COSTS), *comparison.notes],
        essential=5,
    )


def _ties(comparison: Comparison) -> set[frozenset[str]]:
    """Names of the pairs that cannot be told apart in the metric."""
    pairs = list(combinations(comparison.groups, 2))
    differences = MetricEstimates(comparison, comparison.metric.name).differences(pairs)
    return {
        frozenset((first.name, second.name))
        for (first, second), difference in zip(pairs, differences, strict=True)
        if difference and difference.tied
    }


def _gain(
    first: dict[str, Any], second: dict[str, Any], metric: str, sign: int, tied: set[frozenset[str]]
) -> float | None:
    """How much better the first is; 0 where that is noise, None where its value is not known."""
    if frozenset((first["variant"], second["variant"])) in tied:
        return 0.0
    if first[metric] is None:
        return None
    return math.inf if second[metric] is None else sign * (first[metric] - second[metric])


def _saving(first: np.ndarray, second: np.ndarray) -> float | None:
    """How much cheaper the first is, by seed; 0 where some seed of it costs as much as one of the second."""
    if not len(first):
        return None
    if not len(second):
        return math.inf
    apart = first.max() < second.min() or second.max() < first.min()
    return float(second.mean() - first.mean()) if apart else 0.0


def _beats(gain: float | None, saving: float | None) -> bool:
    """Whether a group is at least as good and as cheap as another, and better in one."""
    return gain is not None and saving is not None and min(gain, saving) >= 0 and max(gain, saving) > 0
