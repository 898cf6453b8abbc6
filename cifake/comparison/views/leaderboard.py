"""Which variant is best, by how much, and how sure that is."""

from dataclasses import replace
from typing import Any

from cifake.comparison.comparison import Comparison, metric_title
from cifake.comparison.conclusion import conclusion
from cifake.comparison.estimates import trivial_baseline
from cifake.comparison.notes import note
from cifake.comparison.standings import Standing, standings
from cifake.comparison.table import P_VALUE, Column, Table
from cifake.comparison.views.columns import (
    GROUP_COLUMNS,
    VERDICT_COLUMN,
    difference_cells,
    group_cells,
    interval_cells,
    interval_column,
    interval_text,
    metric_cells,
    metric_column,
    metric_text,
    partial_notes,
    view_table,
)
from cifake.comparison.views.control import control_notes
from cifake.contract import describe_metric

NAMES = ("f1", "accuracy", "precision", "recall", "loss", "roc_auc")
MAIN_METRICS = {
    key: describe_metric(key) for key in (*(f"test/{name}" for name in NAMES), "cost/train_seconds")
}
ESSENTIAL = 7  # columns up to the verdict


def leaderboard(comparison: Comparison) -> Table:
    """Groups of repeats, best first, each against the best one or the baseline."""
    ranked = standings(comparison)
    rows = [_row(comparison, standing) for standing in ranked]
    tested = any(standing.difference for standing in ranked)
    return view_table(
        comparison,
        _caption(comparison, ranked),
        _columns(comparison, rows),
        rows,
        [
            *_smallest(comparison, ranked),
            *control_notes(comparison),
            *partial_notes(comparison.groups, MAIN_METRICS),
            *comparison.notes,
        ],
        conclusion=conclusion(comparison, ranked),
        essential=ESSENTIAL if tested else len(GROUP_COLUMNS) + 1,
    )


def _row(comparison: Comparison, standing: Standing) -> dict[str, Any]:
    group, key, ranks = standing.group, comparison.metric.key, standing.ranks
    reference = group is comparison.reference
    return {
        **group_cells(group),
        "config_hash": group.config_hash,
        "changes": standing.changes,
        **metric_cells(group, key),
        **interval_cells(key, standing.mean),
        "reference": reference,
        **difference_cells(comparison, standing.difference),
        **({"verdict": "reference"} if reference else {}),
        "more_seeds": standing.help,
        "may_be_best": ranks.may_be_best if ranks else None,
        "rank_from": ranks.highest if ranks else None,
        "rank_to": ranks.lowest if ranks else None,
        **{k: v for other in MAIN_METRICS if other != key for k, v in metric_cells(group, other).items()},
    }


def _columns(comparison: Comparison, rows: list[dict[str, Any]]) -> list[Column]:
    """Without those that no row has a value for, and without verdicts and ranks where nothing was tested."""
    key, form = comparison.metric.key, comparison.metric.form
    kept = ["rank", "variant", "seeds", key]
    tested = [
        Column("difference", "difference", f"+{form}"),
        interval_column(comparison, "difference", f"+{form}"),
        VERDICT_COLUMN,
        Column("more_seeds", "would decide", under="verdict"),
        Column("changes", "differs in", under="variant"),
        Column("rank_from", "ranks", "d", upto="rank_to", upto_form="{}-{}"),
        Column("p_adjusted", "p", P_VALUE),
        Column("mcnemar_p_holm", "p (McNemar)", P_VALUE),
    ]
    if all(row["difference"] is None for row in rows):
        tested = [column for column in tested if column.key == "changes"]
    columns = [
        *GROUP_COLUMNS,
        metric_column(comparison),
        *tested,
        replace(interval_column(comparison, key, form), title=f"interval of {metric_title(comparison)}"),
        *(Column(k, metric.title, metric.form) for k, metric in MAIN_METRICS.items() if k != key),
    ]
    return [c for c in columns if c.key in kept or any(row[c.key] is not None for row in rows)]


def _caption(comparison: Comparison, ranked: list[Standing]) -> str:
    caption = f"{metric_text(comparison)}. Mean ± standard deviation over seeds."
    if not any(group.scores for group in comparison.groups):
        return caption
    caption += f" {interval_text(comparison)}"
    if trivial := trivial_baseline(comparison):
        value, answer = trivial
        caption += f" Always answering {answer} gives {value:{comparison.metric.form}}."
    compared = sum(standing.difference is not None for standing in ranked)
    if not compared:
        return caption
    measured = sum(bool(group.scores) for group in comparison.groups)
    count = compared if comparison.planned else measured * (measured - 1) // 2
    together = f"hold for all {count} {'comparisons' if comparison.planned else 'pairs'} together" * (
        count > 1
    )
    return (
        f"{caption} Differences are from {comparison.reference.name}, paired by image and seed"
        f"{'; their intervals and p ' + together if together else ''}. "
        "Cannot tell does not prove two equal."
    )


def _smallest(comparison: Comparison, ranked: list[Standing]) -> list[str]:
    """A note on the smallest difference that could have been seen."""
    sizes = sorted((s.smallest, s.group.name) for s in ranked if s.smallest)
    if not sizes:
        return []
    (least, first), (most, last) = sizes[0], sizes[-1]
    form = comparison.metric.form
    upto = f" to {most:{form}} ({last})" if last != first else ""
    text = (
        f"Smallest difference from {comparison.reference.name} that these seeds and images show in 80 % of "
        f"cases: {least:{form}} ({first}){upto}."
    )
    return [note("smallest-difference", text)]
