"""What differs between the groups, beside how they did."""

from cifake.comparison.board import Board
from cifake.comparison.runs import PARAMETER
from cifake.comparison.table import Column, Table
from cifake.comparison.views.parts import data_text, metric_cells, metric_text, metric_title


def settings(board: Board) -> Table:
    """Only the settings that are not the same everywhere."""
    values = [group.settings() for group in board.groups]
    keys = dict.fromkeys(key for of_group in values for key in of_group)
    differing = [key for key in keys if len({of_group.get(key) for of_group in values}) > 1]
    rows = [
        {
            "rank": group.rank,
            "variant": group.name.split(" ")[0],
            "seeds": len(group.runs),
            **metric_cells(group, board.metric),
            **{key: of_group.get(key) for key in differing},
        }
        for group, of_group in zip(board.groups, values, strict=True)
    ]
    return Table(
        caption=f"{data_text(board)}: {metric_text(board)}. The settings that differ; all others are equal.",
        columns=[
            Column("rank", "#", "d"),
            Column("variant", "variant"),
            Column("seeds", "seeds", "d"),
            Column(board.metric, metric_title(board), board.described.form, spread=f"{board.metric}_std"),
            *(Column(key, key.removeprefix(PARAMETER)) for key in differing),
        ],
        rows=rows,
        about=board.about,
        notes=board.notes,
    )
