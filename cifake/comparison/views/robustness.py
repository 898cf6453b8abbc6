"""What is left of the accuracy under each perturbation and attack."""

from dataclasses import replace
from typing import Any

from cifake.comparison.board import ROBUST_IMAGES, Board, on_metric
from cifake.comparison.groups import Group
from cifake.comparison.measured import Measured
from cifake.comparison.table import Column, Table
from cifake.comparison.views.parts import (
    GROUP_COLUMNS,
    data_text,
    group_cells,
    interval_cells,
    level,
    metric_cells,
    single_seed_text,
)
from cifake.evaluation.robustness.perturbations import NAMES

WEIGHTED = "robust/weighted_accuracy"
KEYS = {f"robust/{name}/accuracy": name for name in NAMES}


def robustness(board: Board) -> Table:
    """Groups that were tested, with their accuracy under each perturbation and its interval."""
    tested = [group for group in board.groups if _keys(group)]
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
        on_key = on_metric(replace(board, groups=tested), key)
        measured = Measured(on_key, "accuracy")
        for row, group in zip(rows, on_key.groups, strict=True):
            row |= {**metric_cells(group, key), **interval_cells(key, measured.mean(group))}
        notes += on_key.notes
    untested = [group.name for group in board.groups if group not in tested]
    if untested:
        notes.append(f"Not tested yet, see mlflow run . -e robustness: {', '.join(untested)}.")
    return Table(
        caption=f"{data_text(board)}: accuracy under each perturbation, mean over seeds. weighted: 0.4 of "
        f"the clean accuracy, 0.6 of that under an attack. JSON and CSV have intervals ({level(board)}) over "
        f"seeds and test images.{single_seed_text(board)}",
        columns=[
            *GROUP_COLUMNS,
            Column(ROBUST_IMAGES, "images", ",.0f"),
            Column(WEIGHTED, "weighted", ".3f"),
            *(Column(key, KEYS[key], ".3f") for key in keys),
        ],
        rows=rows,
        about=board.about,
        notes=notes,
    )


def _keys(group: Group) -> list[str]:
    return [key for key in KEYS if group.mean(key) is not None]
