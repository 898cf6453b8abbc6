"""Figures of the views that are matrices: the table's cells, coloured."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cifake.comparison.comparison import Comparison, metric_title
from cifake.comparison.figures.style import heat_map
from cifake.comparison.table import MARKS, Table
from cifake.comparison.views.pairwise import MEASURED, SIGNS, pairwise
from cifake.comparison.views.pivot import pivot
from cifake.comparison.views.slices import slices

CELL, LETTER = 0.35, 0.075  # inches


def pairwise_figure(comparison: Comparison) -> Figure:
    """The difference of each row from each column, with the sign of its verdict."""
    table = pairwise(comparison)
    names = [group.name for group in comparison.groups]
    few = len(names) <= MEASURED
    return _figure(
        comparison,
        table,
        [f"from_{group.rank}" for group in comparison.groups],
        names if few else [f"{name}  {rank}" for rank, name in enumerate(names, start=1)],
        names if few else [str(group.rank) for group in comparison.groups],
        f"{metric_title(comparison)}, row less column; the row is {SIGNS}",
        signed=True,
    )


def slices_figure(comparison: Comparison) -> Figure:
    """The metric by object class and group; dark is weak."""
    table = slices(comparison)
    return _figure(
        comparison,
        table,
        [column.key for column in table.columns[2:]],
        [row["object"] for row in table.rows],
        [group.name for group in comparison.groups if group.scores],
        f"{metric_title(comparison)} by object class; {MARKS['weakest']} the weakest of a variant",
    )


def pivot_figure(comparison: Comparison, rows: str, columns: str = "") -> Figure:
    """The metric's mean by one or two settings; dark is weak."""
    table = pivot(comparison, rows, columns)
    return _figure(
        comparison,
        table,
        [column.key for column in table.columns[1:]],
        [f"{table.columns[0].title} {row['row']}" for row in table.rows],
        [column.title for column in table.columns[1:]],
        f"{metric_title(comparison)}, mean ± standard deviation (runs); {MARKS['best']} the best",
    )


def _figure(
    comparison: Comparison,
    table: Table,
    keys: Sequence[str],
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    signed: bool = False,
) -> Figure:
    """A table as a heat map.

    Args:
        comparison: the groups.
        table: its last columns are the cells.
        keys: of the cells' values.
        rows: names.
        columns: names.
        title: of the figure.
        signed: whether 0 is neutral.
    """
    values = np.array([[row.get(key) for key in keys] for row in table.rows], float)
    texts = [[column.show(row) for column in table.columns[-len(keys) :]] for row in table.rows]
    widest = max(len(text) for line in texts for text in line)
    size = 2.5 + (CELL + LETTER * widest) * len(keys), 1.5 + CELL * len(rows)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    heat_map(axes, values, rows, columns, texts, bool(comparison.metric.higher_is_better), signed)
    axes.set_title(title, fontsize=9, loc="left")
    return figure
