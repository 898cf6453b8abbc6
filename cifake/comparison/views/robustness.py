"""What is left of the accuracy under each perturbation and attack."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import pandas as pd

from cifake.comparison.comparison import ROBUST_IMAGES, Comparison, on_metric
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.groups import Group
from cifake.comparison.notes import note
from cifake.comparison.run_notes import different_adversaries
from cifake.comparison.runs import with_perturbations
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import (
    GROUP_COLUMNS,
    group_cells,
    interval_cells,
    interval_text,
    metric_cells,
    partial_notes,
    view_table,
)
from cifake.contract import PERTURBATIONS, ROBUST, WEIGHTED_ACCURACY

KEYS = {f"{ROBUST}{name}/accuracy": name for name in PERTURBATIONS}


def robustness(comparison: Comparison) -> Table:
    """Groups that were tested, with their accuracy under each perturbation and its interval."""
    tested = tested_groups(comparison)
    keys = [key for key in KEYS if any(key in _keys(group) for group in tested)]
    different = different_adversaries(pd.concat([group.runs for group in tested])) if tested else ""
    unknown = f" Not shown, since the attack differs: {different}." if different else ""
    rows: list[dict[str, Any]] = [
        {
            **group_cells(group),
            ROBUST_IMAGES: group.mean(ROBUST_IMAGES),
            **({} if different else metric_cells(group, WEIGHTED_ACCURACY)),
        }
        for group in tested
    ]
    names = [group.name for group in tested]
    partly: defaultdict[str, list[str]] = defaultdict(list)
    for own, group in zip(tested, (g for g in comparison.groups if g.name in names), strict=True):
        if len(own.runs) < len(group.runs):
            partly[f"{len(own.runs)} of {len(group.runs)} seeds tested"].append(group.name)
    notes = [note("partly-tested", f"{share}: {', '.join(which)}.") for share, which in partly.items()]
    notes += [note("partly-tested", gaps) for group in tested if (gaps := _gaps(group, keys))]
    estimated: list[Group] = []
    for key in keys:
        measured = [
            replace(group, runs=group.runs[group.runs[key].notna()])
            for group in tested
            if key in _keys(group)
        ]
        on_key = on_metric(replace(comparison, groups=measured), key)
        estimates = MetricEstimates(on_key, "accuracy")
        intervals = {group.name: estimates.mean(group) for group in on_key.groups}
        for row, group in zip(rows, tested, strict=True):
            row |= {**metric_cells(group, key), **interval_cells(key, intervals.get(group.name))}
        notes += on_key.notes
        estimated += on_key.groups
    notes = list(dict.fromkeys([*notes, *partial_notes(tested, [WEIGHTED_ACCURACY, *keys])]))
    untested = [group.name for group in comparison.groups if group.name not in names]
    if untested:
        notes.append(note("not-tested", f"{', '.join(untested)}; see mlflow run . -e robustness."))
    reading = f" CSV and JSON hold the intervals. {interval_text(comparison, groups=estimated)}"
    return view_table(
        comparison,
        "accuracy under each perturbation, mean over seeds. weighted: 0.4 of the clean accuracy, 0.6 of that "
        f"under an attack.{unknown}{reading * any(group.scores for group in estimated)}",
        [
            *GROUP_COLUMNS,
            Column(ROBUST_IMAGES, "images", ",.0f"),
            Column(WEIGHTED_ACCURACY, "weighted", ".3f"),
            *(Column(key, KEYS[key], ".3f") for key in keys),
        ],
        rows,
        notes,
        essential=5,
    )


def _gaps(group: Group, keys: list[str]) -> str:
    """A note on perturbations that a group, or some seed of it, was not tested under; empty without any."""
    counts = [len(group.values(key)) for key in keys]
    lacking = sum(not count for count in counts)
    partial = sum(0 < count < len(group.runs) for count in counts)
    texts = [f"not tested under {lacking} of {len(keys)} perturbations"] if lacking else []
    texts += (
        [f"under {partial} of {len(keys)} not with all seeds; means are over those that were"]
        if partial
        else []
    )
    return f"{group.name}: {', '.join(texts)}." if texts else ""


def tested_groups(comparison: Comparison) -> list[Group]:
    """The groups with runs that were tested: those runs, with the accuracy under each perturbation."""
    groups = []
    for group in comparison.groups:
        runs = with_perturbations(comparison.store, group.runs, list(KEYS))
        runs = runs[runs.reindex(columns=list(KEYS)).notna().any(axis=1)]
        if len(runs):
            groups.append(replace(group, runs=runs))
    return groups


def _keys(group: Group) -> list[str]:
    return [key for key in KEYS if group.mean(key) is not None]
