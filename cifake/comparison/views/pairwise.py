"""Every group against every other, as a matrix."""

from itertools import combinations
from typing import Any

from cifake.comparison.comparison import Comparison
from cifake.comparison.estimates import MetricEstimates, Pairs
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
    together = f" for all {compared} pairs together," if compared > 1 else ""
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
        f"{metric_text(comparison)}. Row less column, paired by image and seed; verdicts hold{together} at "
        f"{level(comparison)}: the row is {SIGNS}. CSV and JSON list the pairs with intervals and "
        f"p.{fewer if comparison.planned else ''}",
        [*GROUP_COLUMNS[:2], *(measured if len(places) <= MEASURED else judged)],
        _matrix(pairs, records),
        essential=2 + min(len(places), MEASURED),
        narrow=[*GROUP_COLUMNS[:2], *judged],
        records=records,
        drawable=compared > 0,
    )


def _matrix(pairs: Pairs, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rows: dict[int, dict[str, Any]] = {}
    for (first, second), record in zip(pairs, records, strict=True):
        value, verdict = record["difference"], record["verdict"]
        opposite = None if value is None else -value
        for own, other, difference, said in (
            (first, second, value, verdict),
            (second, first, opposite, OPPOSITE.get(verdict, verdict)),
        ):
            row = rows.setdefault(own.rank, {"rank": own.rank, "variant": own.name})
            row |= {f"from_{other.rank}": difference, f"verdict_{other.rank}": said}
    return list(rows.values())
