"""Figures of the views that are matrices: the table's cells, coloured."""

import textwrap
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from cifake.comparison.comparison import Comparison, metric_title
from cifake.comparison.figures.style import heat_map
from cifake.comparison.table import MARKS, Table
from cifake.comparison.views.columns import group_titles, ranks_text
from cifake.comparison.views.pairwise import MEASURED, OPPOSITE, SIGNS, pairwise
from cifake.comparison.views.pivot import pivot
from cifake.comparison.views.slices import slices

HIGH, WIDE, LETTER, LINE = 0.35, 0.2, 0.075, 0.17  # inches
NAME, LETTERS = 28, 11  # characters a line, and an inch
UNBROKEN_SIGNS = SIGNS.replace(" ", "\N{NO-BREAK SPACE}").replace(",\N{NO-BREAK SPACE}", ", ")


def pairwise_figure(comparison: Comparison) -> Figure:
    """The difference of each row from each column, coloured where the verdict is better or worse."""
    table = pairwise(comparison)
    ranks = [group.rank for group in comparison.groups]
    told = [[row.get(f"verdict_{rank}") in OPPOSITE for rank in ranks] for row in table.rows]
    values = _values(table, [f"from_{rank}" for rank in ranks])
    titles = group_titles(comparison)
    names = [group.name for group in comparison.groups]
    return _figure(
        comparison,
        table,
        np.where(told, values, values * 0),  # NaN stays
        names if titles == names else [f"{name}  {rank}" for name, rank in zip(names, ranks, strict=True)],
        titles,
        f"{metric_title(comparison)}, row less column; the row is {UNBROKEN_SIGNS}",
        signed=True,
    )


def slices_figure(comparison: Comparison) -> Figure:
    """The metric by object class and group; dark is weak."""
    table = slices(comparison)
    columns = table.columns[2:]
    if len(columns) > MEASURED:
        columns = [replace(column, form=".2f") for column in columns]
    figure = _figure(
        comparison,
        replace(table, columns=columns),
        _values(table, [column.key for column in columns]),
        [row["object"] for row in table.rows],
        [column.title for column in columns],
        f"{metric_title(comparison)} by object class; {MARKS['weakest']} the weakest of a variant",
    )
    names = textwrap.fill(ranks_text(comparison), int(LETTERS * figure.get_figwidth()))
    figure.axes[0].set_xlabel(names, fontsize=8)
    return figure


def pivot_figure(comparison: Comparison, rows: str, columns: str = "") -> Figure:
    """The metric's mean by one or two settings; dark is weak."""
    table = pivot(comparison, rows, columns)
    return _figure(
        comparison,
        table,
        _values(table, [column.key for column in table.columns[1:]]),
        [f"{table.columns[0].title} {row['row']}" for row in table.rows],
        [column.title for column in table.columns[1:]],
        f"{metric_title(comparison)}, mean ± standard deviation (runs); {MARKS['best']} the best",
    )


def _values(table: Table, keys: Sequence[str]) -> np.ndarray:
    return np.array([[row.get(key) for key in keys] for row in table.rows], float)


def _figure(
    comparison: Comparison,
    table: Table,
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    signed: bool = False,
) -> Figure:
    """A table as a heat map.

    Args:
        comparison: the groups.
        table: its last columns are the cells.
        values: those that decide the colours, float [rows, columns].
        rows: names.
        columns: names.
        title: of the figure.
        signed: whether 0 is neutral.
    """
    count = values.shape[1]
    texts = [[column.show(row) for column in table.columns[-count:]] for row in table.rows]
    names = [textwrap.fill(name, NAME) for name in rows]
    width = WIDE + LETTER * max(len(text) for line in texts for text in line)
    height = HIGH + LINE * max(name.count("\n") for name in names)
    size = max(2.8 + width * count, 5.5), 1.5 + height * len(rows)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    heat_map(axes, values, names, columns, texts, bool(comparison.metric.higher_is_better), signed)
    room = size[0] - LETTER * max(len(line) for name in names for line in name.splitlines())
    axes.set_title(textwrap.fill(title, int(LETTERS * room)), fontsize=9, loc="left")
    return figure
