"""What differs between the groups, beside how they did."""

from cifake.comparison.board import Board
from cifake.comparison.runs import PARAMETER
from cifake.comparison.table import Column, Table
from cifake.comparison.views.parts import (
    GROUP_COLUMNS,
    data_text,
    group_cells,
    metric_cells,
    metric_column,
    metric_text,
)


def settings(board: Board) -> Table:
    """Only the settings that are not the same everywhere."""
    values = [group.settings() for group in board.groups]
    keys = dict.fromkeys(key for of_group in values for key in of_group)
    differing = [key for key in keys if len({of_group.get(key) for of_group in values}) > 1]
    rows = [
        {
            **group_cells(group),
            "variant": group.name.split(" ")[0],  # the rest of the name is in the columns
            **metric_cells(group, board.metric),
            **{key: of_group.get(key) for key in differing},
        }
        for group, of_group in zip(board.groups, values, strict=True)
    ]
    return Table(
        caption=f"{data_text(board)}: {metric_text(board)}. The settings that differ; all others are equal.",
        columns=[
            *GROUP_COLUMNS,
            metric_column(board),
            *(Column(key, key.removeprefix(PARAMETER)) for key in differing),
        ],
        rows=rows,
        about=board.about,
        notes=board.notes,
    )
