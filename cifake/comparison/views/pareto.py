"""What the metric costs, and which groups are worth their cost."""

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
from cifake.contract import Metric, describe_metric

COSTS = ("cost/parameters", "cost/operations", "cost/train_seconds", "cost/latency_ms")
NOISY = COSTS[2:]  # those that vary over seeds


def known_costs(comparison: Comparison) -> list[str]:
    """The costs to show: those that some run has logged, or else all. Earlier runs have no operations."""
    known = [cost for cost in COSTS if any(len(group.values(cost)) for group in comparison.groups)]
    return known or list(COSTS)


def pareto(comparison: Comparison) -> Table:
    """The metric beside its costs, and for which of them a group is on the front."""
    groups = comparison.groups
    rows: list[dict[str, Any]] = [
        {
            **group_cells(group),
            **metric_cells(group, comparison.metric.key),
            **{k: v for cost in COSTS for k, v in metric_cells(group, cost).items()},
        }
        for group in groups
    ]
    ties = _ties(comparison)
    for cost in COSTS:
        seeds = {group.name: group.values(cost) for group in groups}
        for row in rows:
            others = [each for each in rows if each is not row and each[comparison.metric.key] is not None]
            row[f"{cost}_front"] = _is_on_front(row, others, comparison.metric, ties, seeds)
    for row in rows:
        on = [describe_metric(cost).title for cost in COSTS if row[cost] is not None and row[f"{cost}_front"]]
        row["front"] = ", ".join(on) or None
    return view_table(
        comparison,
        f"{metric_text(comparison)}. Mean ± standard deviation over seeds. A group is on the "
        "front of a cost when it is better than the best of those that cost less, and none that costs the "
        "same is better. A difference that cannot be told is none; costs differ where all seeds of one are "
        "below all of the other.",
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
                for cost in known_costs(comparison)
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


def _is_on_front(
    row: dict[str, Any],
    others: list[dict[str, Any]],
    metric: Metric,
    ties: set[frozenset[str]],
    seeds: dict[str, np.ndarray],
) -> bool:
    """Whether a group beats the best that costs less, and none that costs the same beats it.

    Not every one that costs less: one whose seeds differ so much that it cannot be told from any group
    would take all others off the front.

    Args:
        row: of the group.
        others: rows of the other groups that have the metric, best first.
        metric: that decides.
        ties: see ``_ties``.
        seeds: the costs of each group's seeds.
    """
    if row[metric.key] is None:
        return False

    def is_better(first: dict[str, Any], second: dict[str, Any]) -> bool:
        gain = first[metric.key] - second[metric.key]
        told = frozenset((first["variant"], second["variant"])) not in ties
        return told and (gain > 0 if metric.higher_is_better else gain < 0)

    def costs_less(first: dict[str, Any], second: dict[str, Any]) -> bool:
        low, high = seeds[first["variant"]], seeds[second["variant"]]
        return bool(len(low) and (not len(high) or low.max() < high.min()))

    cheaper = [other for other in others if costs_less(other, row)]
    as_cheap = [other for other in others if not costs_less(other, row) and not costs_less(row, other)]
    beats_cheaper = not cheaper or is_better(row, cheaper[0])
    return beats_cheaper and not any(is_better(other, row) for other in as_cheap)
