"""What the metric costs: which groups no other beats in both."""

from itertools import permutations
from typing import Any

from cifake.comparison.comparison import Comparison
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.groups import Group
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import (
    GROUP_COLUMNS,
    group_cells,
    metric_cells,
    metric_column,
    metric_text,
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
    pairs = list(permutations(groups, 2))
    names = [(first.name, second.name) for first, second in pairs]
    gains = dict(zip(names, _gains(comparison, pairs), strict=True))
    for row, group in zip(rows, groups, strict=True):
        for cost in COSTS:
            row[f"{cost}_front"] = not any(
                _beats(gains[other.name, group.name], _saving(other, group, cost))
                for other in groups
                if other is not group
            )
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
            *(
                Column(
                    cost,
                    describe_metric(cost).title,
                    describe_metric(cost).form,
                    spread=f"{cost}_std" if cost in NOISY else None,
                )
                for cost in COSTS
            ),
            Column("front", "on the front of"),
        ],
        rows,
    )


def _gains(comparison: Comparison, pairs: list[tuple[Group, Group]]) -> list[float | None]:
    """How much better the first of each pair is; 0 where that is noise, None where it is not known."""
    key, sign = comparison.metric.key, 1 if comparison.metric.higher_is_better else -1
    differences = MetricEstimates(comparison, comparison.metric.name).differences(pairs)
    gains: list[float | None] = []
    for (first, second), difference in zip(pairs, differences, strict=True):
        own, other = first.mean(key), second.mean(key)
        if difference and difference.tied:
            gains.append(0.0)
        elif own is None:
            gains.append(None)
        else:
            gains.append(float("inf") if other is None else sign * (own - other))
    return gains


def _saving(first: Group, second: Group, cost: str) -> float | None:
    """How much cheaper the first is; 0 where some seed of it costs as much as some of the second's."""
    own, other = first.values(cost), second.values(cost)
    if not len(own):
        return None
    if not len(other):
        return float("inf")
    apart = own.max() < other.min() or other.max() < own.min()
    return float(other.mean() - own.mean()) if apart else 0.0


def _beats(gain: float | None, saving: float | None) -> bool:
    """Whether a group is at least as good and as cheap as another, and better in one."""
    return gain is not None and saving is not None and min(gain, saving) >= 0 and max(gain, saving) > 0
