"""What is left of the accuracy under each perturbation and attack."""

from dataclasses import replace
from typing import Any

from cifake.comparison.comparison import ROBUST_IMAGES, Comparison, on_metric
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.groups import Group
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import (
    GROUP_COLUMNS,
    data_text,
    group_cells,
    interval_cells,
    level,
    metric_cells,
    single_seed_text,
)
from cifake.contract import PERTURBATIONS

WEIGHTED = "robust/weighted_accuracy"
KEYS = {f"robust/{name}/accuracy": name for name in PERTURBATIONS}


def robustness(comparison: Comparison) -> Table:
    """Groups that were tested, with their accuracy under each perturbation and its interval."""
    tested = [group for group in comparison.groups if _keys(group)]
    keys = [key for key in KEYS if any(key in _keys(group) for group in tested)]
    rows: list[dict[str, Any]] = [
        {
            **group_cells(group),
            ROBUST_IMAGES: group.mean(ROBUST_IMAGES),
            **metric_cells(group, WEIGHTED),
        }
        for group in tested
    ]
    notes: list[str] = []
    for key in keys:
        on_key = on_metric(replace(comparison, groups=tested), key)
        measured = MetricEstimates(on_key, "accuracy")
        for row, group in zip(rows, on_key.groups, strict=True):
            row |= {**metric_cells(group, key), **interval_cells(key, measured.mean(group))}
        notes += on_key.notes
    untested = [group.name for group in comparison.groups if group not in tested]
    if untested:
        notes.append(f"Not tested yet, see mlflow run . -e robustness: {', '.join(untested)}.")
    return Table(
        caption=f"{data_text(comparison)}: accuracy under each perturbation, mean over seeds. weighted: 0.4 "
        "of the clean accuracy, 0.6 of that under an attack. JSON and CSV have intervals "
        f"({level(comparison)}) over seeds and test images.{single_seed_text(comparison)}",
        columns=[
            *GROUP_COLUMNS,
            Column(ROBUST_IMAGES, "images", ",.0f"),
            Column(WEIGHTED, "weighted", ".3f"),
            *(Column(key, KEYS[key], ".3f") for key in keys),
        ],
        rows=rows,
        metadata=comparison.metadata,
        notes=notes,
    )


def _keys(group: Group) -> list[str]:
    return [key for key in KEYS if group.mean(key) is not None]
