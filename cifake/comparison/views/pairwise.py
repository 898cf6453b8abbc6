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
        {"variant": first.name, "other": second.name, **difference_cells(comparison, difference)}
        for (first, second), difference in zip(pairs, differences, strict=True)
    ]
    compared = sum(difference is not None for difference in differences)
    fewer = " The leaderboard compares with the baseline alone, so its intervals are narrower."
    return view_table(
        comparison,
        f"{metric_text(comparison)}. Differences are first less second, paired by image and seed; "
        f"intervals ({level(comparison)}) and p hold for all {compared} pairs together."
        f"{fewer if comparison.planned else ''} Better and worse are said of the first.",
        [Column("variant", "first"), Column("other", "second"), *difference_columns(comparison, rows)],
        rows,
        essential=5,
    )
