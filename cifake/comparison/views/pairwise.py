"""Every group against every other, as a matrix."""

from itertools import combinations
from typing import Any

from cifake.comparison.comparison import Comparison
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.table import MARKS, Column, Table
from cifake.comparison.views.columns import (
    GROUP_COLUMNS,
    difference_cells,
    group_titles,
    level,
    metric_text,
    view_table,
)

MEASURED = 12  # groups; between more, the matrix has the verdicts alone
OPPOSITE = {"better": "worse", "worse": "better"}
SIGNS = ", ".join(f"{MARKS[word]} {word}" for word in ("better", "worse", "equivalent", "cannot tell"))


def pairwise(comparison: Comparison) -> Table:
    """The difference of each row from each column, tested together; for programs a list of pairs."""
    pairs = list(combinations(comparison.groups, 2))
    differences = MetricEstimates(comparison, comparison.metric.name).differences(pairs)
    records = [
        {"variant": first.name, "other": second.name, **difference_cells(comparison, difference)}
        for (first, second), difference in zip(pairs, differences, strict=True)
    ]
    compared = sum(difference is not None for difference in differences)
    fewer = " The leaderboard compares with the baseline alone, so its intervals are narrower."
    places = [
        (str(group.rank), title)
        for group, title in zip(comparison.groups, group_titles(comparison), strict=True)
    ]
    form = f"+{comparison.metric.form}"
    measured = [Column(f"from_{rank}", title, form, mark=f"verdict_{rank}") for rank, title in places]
    judged = [Column(f"verdict_{rank}", rank, mark=f"verdict_{rank}") for rank, _ in places]
    return view_table(
        comparison,
        f"{metric_text(comparison)}. Row less column, paired by image and seed; verdicts hold for all "
        f"{compared} pairs together, at {level(comparison)}: the row is {SIGNS}. CSV and JSON list the pairs "
        f"with intervals and p.{fewer if comparison.planned else ''}",
        [*GROUP_COLUMNS[:2], *(measured if len(places) <= MEASURED else judged)],
        _matrix(comparison, records),
        narrow=[*GROUP_COLUMNS[:2], *judged],
        records=records,
        drawable=compared > 0,
    )


def _matrix(comparison: Comparison, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ranks = {group.name: group.rank for group in comparison.groups}
    rows: dict[str, dict[str, Any]] = {name: {"rank": rank, "variant": name} for name, rank in ranks.items()}
    for pair in records:
        first, second, value, verdict = (pair[key] for key in ("variant", "other", "difference", "verdict"))
        rows[first] |= {f"from_{ranks[second]}": value, f"verdict_{ranks[second]}": verdict}
        rows[second] |= {
            f"from_{ranks[first]}": None if value is None else -value,
            f"verdict_{ranks[first]}": OPPOSITE.get(verdict, verdict),
        }
    return list(rows.values())
