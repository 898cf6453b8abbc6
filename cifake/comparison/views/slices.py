"""Where a variant fails: the metric by object class."""

from typing import Any

import numpy as np

from cifake.comparison.board import Board
from cifake.comparison.groups import Group
from cifake.comparison.measured import Measured
from cifake.comparison.stats import Estimate
from cifake.comparison.table import Column, Table
from cifake.comparison.views.parts import (
    data_text,
    interval_cells,
    interval_column,
    level,
    metric_text,
    metric_title,
    single_seed_text,
)


def slices(board: Board) -> Table:
    """Each group's metric on the images of each object class, weakest first."""
    parts = object_parts(board)
    rows = []
    for group in board.groups:
        of_group = [(name, chosen, measured.mean(group)) for name, (chosen, measured) in parts.items()]
        cells = [
            _cells(board, group, name, chosen, estimate) for name, chosen, estimate in of_group if estimate
        ]
        up = bool(board.described.higher_is_better)
        rows += sorted(cells, key=lambda row: row[board.metric], reverse=not up)
    form = board.described.form
    return Table(
        caption=f"{data_text(board)}: {metric_text(board)}. By object class, weakest first; intervals "
        f"({level(board)}) are over seeds and images of the class.{single_seed_text(board)}",
        columns=[
            Column("rank", "#", "d"),
            Column("variant", "variant"),
            Column("object", "object"),
            Column("images", "images", ",d"),
            Column(board.metric, metric_title(board), form),
            interval_column(board, board.metric, form),
        ],
        rows=rows,
        about=board.about,
        notes=board.notes,
    )


def object_parts(board: Board) -> dict[str, tuple[np.ndarray, Measured]]:
    """By object class: which images are of it, bool [n], and the metric on them."""
    if board.images is None:
        return {}
    chosen = {str(name): board.images.objects == place for place, name in enumerate(board.images.names)}
    return {name: (rows, Measured(board, board.described.name, rows)) for name, rows in chosen.items()}


def _cells(board: Board, group: Group, name: str, chosen: np.ndarray, estimate: Estimate) -> dict[str, Any]:
    return {
        "rank": group.rank,
        "variant": group.name,
        "object": name,
        "images": int(chosen.sum()),
        board.metric: estimate.value,
        **interval_cells(board.metric, estimate),
    }
