"""What the metric costs: which groups no other beats in both."""

from typing import Any

from cifake.comparison.comparison import Comparison
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


def pareto(comparison: Comparison) -> Table:
    """The metric beside three costs, and for which of them a group is on the front."""
    sign = 1 if comparison.metric.higher_is_better else -1
    rows: list[dict[str, Any]] = [
        {
            **group_cells(group),
            **metric_cells(group, comparison.metric.key),
            **{cost: group.mean(cost) for cost in COSTS},
        }
        for group in comparison.groups
    ]
    for cost in COSTS:
        for row in rows:
            row[f"{cost}_front"] = not any(
                _beats(other, row, comparison.metric.key, sign, cost) for other in rows
            )
    for row in rows:
        on = [describe_metric(cost).title for cost in COSTS if row[cost] is not None and row[f"{cost}_front"]]
        row["front"] = ", ".join(on) or None
    return view_table(
        comparison,
        f"{metric_text(comparison)}. Means over seeds. A group is on the "
        "front of a cost when no other is at least as good and as cheap, and better in one; noise is not "
        "considered.",
        [
            *GROUP_COLUMNS,
            metric_column(comparison),
            *(Column(cost, describe_metric(cost).title, describe_metric(cost).form) for cost in COSTS),
            Column("front", "on the front of"),
        ],
        rows,
    )


def _beats(other: dict[str, Any], row: dict[str, Any], metric: str, sign: int, cost: str) -> bool:
    """Whether a row is at least as good and as cheap as another, and better in one."""
    if None in (other[metric], other[cost]):
        return False
    if None in (row[metric], row[cost]):
        return True
    gain, saving = sign * (other[metric] - row[metric]), row[cost] - other[cost]
    return bool(gain >= 0 and saving >= 0 and (gain > 0 or saving > 0))
