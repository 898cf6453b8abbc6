"""Every group against every other."""

from itertools import combinations

from cifake.comparison.comparison import Comparison
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import (
    difference_cells,
    difference_columns,
    level,
    metric_text,
    view_table,
)


def pairwise(comparison: Comparison) -> Table:
    """Differences of all pairs, first less second, adjusted for their number."""
    pairs = list(combinations(comparison.groups, 2))
    differences = MetricEstimates(comparison, comparison.metric.name).differences(pairs)
    rows = [
        {"variant": first.name, "other": second.name, **difference_cells(difference)}
        for (first, second), difference in zip(pairs, differences, strict=True)
    ]
    compared = sum(difference is not None for difference in differences)
    return view_table(
        comparison,
        f"{metric_text(comparison)}. Differences are first less second, "
        f"paired by image; p is adjusted for {compared} comparisons (Holm), intervals "
        f"({level(comparison)}) are not. A pair can be a tie here and differ in the "
        f"leaderboard, which adjusts for fewer. = marks a tie (p ≥ {1 - comparison.confidence:.2g}).",
        [
            Column("variant", "first"),
            Column("other", "second", mark="tied"),
            *difference_columns(comparison, rows),
        ],
        rows,
    )
