"""Every group against every other."""

from itertools import combinations

from cifake.comparison.board import Board
from cifake.comparison.measured import Measured
from cifake.comparison.table import Column, Table
from cifake.comparison.views.parts import data_text, difference_cells, difference_columns, level, metric_text


def pairwise(board: Board) -> Table:
    """Differences of all pairs, first less second, adjusted for their number."""
    pairs = list(combinations(board.groups, 2))
    differences = Measured(board, board.described.name).differences(pairs)
    rows = [
        {"variant": first.name, "other": second.name, **difference_cells(difference)}
        for (first, second), difference in zip(pairs, differences, strict=True)
    ]
    compared = sum(difference is not None for difference in differences)
    return Table(
        caption=f"{data_text(board)}: {metric_text(board)}. Differences are first less second, paired by "
        f"image; p is adjusted for {compared} comparisons (Holm), intervals ({level(board)}) are "
        f"not. = marks a tie (p ≥ {1 - board.confidence:.2g}).",
        columns=[
            Column("variant", "first"),
            Column("other", "second", mark="tied"),
            *difference_columns(board, rows),
        ],
        rows=rows,
        about=board.about,
        notes=board.notes,
    )
