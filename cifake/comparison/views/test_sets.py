"""How models do on other test sets than the data set's own test part."""

from dataclasses import replace
from typing import Any

from cifake.comparison.comparison import Comparison, on_metric
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.groups import Group
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import (
    group_cells,
    interval_cells,
    interval_column,
    interval_text,
    view_table,
)
from cifake.contract import OTHER_SETS, WEIGHTED_SETS, WITH_TEST

AGAINST = {suffix: f"the test part's {suffix.rpartition('_')[2]}" for suffix in WITH_TEST.values()}
OWN = "its own"


def test_sets(comparison: Comparison) -> Table:
    """Each set with the groups that were evaluated on it, by rank."""
    rows: list[dict[str, Any]] = []
    estimated: list[Group] = []
    notes: list[str] = []
    for name in set_names(comparison):
        of_set, groups, more = _rows(comparison, name)
        rows += of_set
        estimated += groups
        notes += more
    columns = [
        Column("set", "test set"), Column("variant", "variant"), Column("seeds", "seeds", "d"),
        Column("images", "images", ",.0f"), Column("accuracy", "accuracy", ".3f"),
        interval_column(comparison, "accuracy", ".3f"), Column("fake_share", "called FAKE", ".3f"),
        Column("roc_auc", "ROC AUC", ".3f"), interval_column(comparison, "roc_auc", ".3f"),
        Column("against", "against"),
    ]  # fmt: skip
    return view_table(
        comparison,
        "mean over seeds; positive class FAKE, threshold 0.5. A set of one label has its ROC AUC against the "
        f"test part's images of the other. {interval_text(comparison, 'images of the set', estimated)}",
        columns, rows, list(dict.fromkeys(notes)), essential=6,
    )  # fmt: skip


def set_names(comparison: Comparison) -> list[str]:
    """The sets that any group was evaluated on, in alphabetical order."""
    keys = [str(key) for key in comparison.groups[0].runs if str(key).startswith(OTHER_SETS)]
    measured = [key for key in keys if any(group.mean(key) is not None for group in comparison.groups)]
    return sorted({key.split("/")[1] for key in measured if key.endswith("/images")} - {WEIGHTED_SETS})


def _rows(comparison: Comparison, name: str) -> tuple[list[dict[str, Any]], list[Group], list[str]]:
    """The rows of a set, their groups, and notes on runs without usable predictions."""
    key = f"{OTHER_SETS}{name}"
    groups = [_evaluated(group, f"{key}/images") for group in comparison.groups]
    evaluated = replace(comparison, groups=[group for group in groups if len(group.runs)])
    auc_key, against = _auc_key(evaluated, key)
    on_accuracy, on_auc = on_metric(evaluated, f"{key}/accuracy"), on_metric(evaluated, auc_key)
    accuracy, auc = MetricEstimates(on_accuracy, "accuracy"), MetricEstimates(on_auc, "roc_auc")
    rows = [
        {
            "set": name,
            **group_cells(group),
            **{each: group.mean(f"{key}/{each}") for each in ("images", "accuracy", "fake_share")},
            **interval_cells("accuracy", accuracy.mean(group)),
            "roc_auc": group.mean(auc_key),
            **interval_cells("roc_auc", auc.mean(same)),
            "against": against,
        }
        for group, same in zip(on_accuracy.groups, on_auc.groups, strict=True)
    ]
    return rows, on_accuracy.groups, [*on_accuracy.notes, *on_auc.notes]


def _evaluated(group: Group, key: str) -> Group:
    """The group's runs that were evaluated on a set."""
    return replace(group, runs=group.runs[group.runs[key].notna()] if key in group.runs else group.runs[:0])


def _auc_key(comparison: Comparison, key: str) -> tuple[str, str]:
    """The metric that holds the ROC AUC of a set, and which images it is against."""
    for suffix, images in AGAINST.items():
        if any(group.mean(f"{key}{suffix}/roc_auc") is not None for group in comparison.groups):
            return f"{key}{suffix}/roc_auc", images
    return f"{key}/roc_auc", OWN
