"""Which images are hard for all, for one alone, and which a variant mends and spoils."""

from typing import Any

import numpy as np

from cifake.comparison.comparison import Comparison, metric_title
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.mistakes import Mistakes, find_mistakes, find_pixels
from cifake.comparison.standings import differences_from_reference, judge_difference
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import GROUP_COLUMNS, VERDICT_COLUMN, group_cells, view_table
from cifake.contract import ROBUST

COLUMNS = (
    *GROUP_COLUMNS,
    Column("wrong", "wrong", ",d"),
    Column("only_wrong", "only here", ",d"),
    Column("mended", "mended", ",d"),
    Column("spoiled", "spoiled", ",d"),
    VERDICT_COLUMN,
)
ALL = "all"  # in place of an object class


def images(comparison: Comparison) -> Table:
    """Mistakes by group and object class: of all, of one alone, mended and spoiled against the reference."""
    mistakes = find_mistakes(comparison)
    if mistakes is None:
        return view_table(comparison, "no predictions, so no mistakes.", [*COLUMNS], [])
    verdicts = _verdicts(comparison)
    everything = np.full(mistakes.wrong.shape[1], True)
    records = [
        {
            **_counts(mistakes, place, chosen),
            "object": name,
            "verdict": verdicts.get(group.rank) if name == ALL else None,
        }
        for place, group in enumerate(mistakes.groups)
        for name, chosen in {ALL: everything, **mistakes.classes}.items()
    ]
    pixels = find_pixels(comparison)
    notes = [pixels] if isinstance(pixels, str) else []
    if comparison.metric.key.startswith(ROBUST) and not notes:
        notes = ["Predictions are under a perturbation, pictures without it."]
    reference = comparison.reference.name
    classes = [*mistakes.classes]
    by_class = " Object classes: what is wrong, the hardest first; CSV and JSON hold all counts by class."
    several = any(len(group.scores) > 1 for group in mistakes.groups)
    return view_table(
        comparison,
        f"images called wrongly at the threshold 0.5{', by the mean score over seeds' if several else ''}. "
        f"Mended are mistakes of {reference} that a row does not make, spoiled those that it adds; the "
        f"verdict on the difference is that of {metric_title(comparison)}.{by_class * bool(classes)}",
        [
            *COLUMNS,
            *(Column(name, name, ",d") for name in classes),
        ],
        _rows(mistakes, records),
        [*notes, *comparison.notes],
        conclusion=_conclusion(mistakes),
        essential=len(COLUMNS),
        records=records,
        drawable=not isinstance(pixels, str) and bool(mistakes.wrong.any()),
    )


def _verdicts(comparison: Comparison) -> dict[int, str]:
    """By the groups' ranks."""
    differences = differences_from_reference(comparison, MetricEstimates(comparison, comparison.metric.name))
    judged = {
        group.rank: judge_difference(comparison, difference)
        for group, difference in zip(comparison.groups, differences, strict=True)
        if difference
    }
    return {**judged, comparison.reference.rank: "reference"}


def _counts(mistakes: Mistakes, place: int, chosen: np.ndarray) -> dict[str, Any]:
    """Images of one group and some images."""
    against = place != mistakes.reference and mistakes.reference is not None
    group = mistakes.groups[place]
    return {
        **group_cells(group),
        "seeds": len(group.scores),
        "images": int(chosen.sum()),
        "wrong_in_all": int(mistakes.in_all[chosen].sum()),
        "wrong": int(mistakes.wrong[place, chosen].sum()),
        "only_wrong": int(mistakes.only[place, chosen].sum()) if len(mistakes.groups) > 1 else None,
        "mended": int(mistakes.mended[place, chosen].sum()) if against else None,
        "spoiled": int(mistakes.spoiled[place, chosen].sum()) if against else None,
    }


def _rows(mistakes: Mistakes, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for what all get wrong, one a group; classes side by side."""
    first = next(iter(records))
    in_all: dict[str, Any] = {"variant": "all of them", "wrong": first["wrong_in_all"]}
    rows: dict[int, dict[str, Any]] = {group.rank: {} for group in mistakes.groups}
    for record in records:
        if record["object"] == ALL:
            rows[record["rank"]] |= record
        else:
            rows[record["rank"]][record["object"]] = record["wrong"]
            in_all[record["object"]] = record["wrong_in_all"]
    return [*([in_all] if len(rows) > 1 else []), *rows.values()]


def _conclusion(mistakes: Mistakes) -> str:
    right, n = int((~mistakes.wrong).all(axis=0).sum()), mistakes.wrong.shape[1]
    if len(mistakes.groups) == 1:
        return f"{n - right:,} of {n:,} images are wrong."
    in_all = (
        f"{int(mistakes.in_all.sum()):,} of {n:,} images are wrong in all {len(mistakes.groups)} variants"
    )
    return f"{in_all}, {right:,} right in all."
