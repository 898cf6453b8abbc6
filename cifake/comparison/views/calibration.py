"""Whether a probability of .8 is right four times in five."""

from typing import Any

import numpy as np

from cifake.comparison.board import Board
from cifake.comparison.measured import Measured
from cifake.comparison.table import Column, Table
from cifake.comparison.views.parts import (
    GROUP_COLUMNS,
    data_text,
    group_cells,
    interval_cells,
    interval_column,
    level,
    single_seed_text,
)
from cifake.evaluation.metrics import ECE_BINS, describe_metric

SCORES = ("ece", "brier", "loss")


def calibration(board: Board) -> Table:
    """Calibration error, Brier score and loss with intervals, and the mean probability of FAKE."""
    measured = {name: Measured(board, name) for name in SCORES}
    rows: list[dict[str, Any]] = []
    for group in board.groups:
        if not group.scores:
            continue
        row = {**group_cells(group), "seeds": len(group.scores)}
        row["mean_score"] = float(np.mean([scores.mean() for scores in group.scores.values()]))
        for name, of_all in measured.items():
            estimate = of_all.mean(group)
            row |= {f"test/{name}": estimate.value if estimate else None}
            row |= interval_cells(f"test/{name}", estimate)
        rows.append(row)
    share = f"; {board.images.labels.mean():.1%} of the images are FAKE" if board.images else ""
    return Table(
        caption=f"{data_text(board)}: do probabilities of FAKE mean what they say? Calibration error over "
        f"{ECE_BINS} bins, Brier score and loss: lower is better. Intervals ({level(board)}) are over "
        f"seeds and images.{single_seed_text(board)} Mean score is the mean probability of FAKE{share}.",
        columns=[
            *GROUP_COLUMNS,
            *(column for name in SCORES for column in _columns(board, name)),
            Column("mean_score", "mean score", ".3f"),
        ],
        rows=rows,
        about=board.about,
        notes=board.notes,
    )


def _columns(board: Board, name: str) -> list[Column]:
    described = describe_metric(name)
    key = f"test/{name}"
    return [Column(key, described.title, described.form), interval_column(board, key, described.form)]
