"""For a terminal."""

import io
import shutil
import sys
from collections.abc import Sequence

import rich.box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from cifake.comparison.table import Section, Table

PIPED_WIDTH = 1000  # a reader that is no terminal wants whole lines
LEAST_COLUMNS = 4  # rank, variant, runs and the metric


def text(sections: Sequence[Section], width: int | None = None) -> str:
    """For a terminal: columns that do not fit are left out and named; whole lines when piped.

    Args:
        sections: what to write.
        width: characters a line; None is the terminal's width, or without end when piped.
    """
    terminal = sys.stdout.isatty()
    width = width or (shutil.get_terminal_size().columns if terminal else PIPED_WIDTH)
    buffer = io.StringIO()
    console = Console(file=buffer, width=width, force_terminal=terminal)
    unbounded = console.options.update(width=PIPED_WIDTH)
    for table in (table for section in sections for table in section.tables):
        count = len(table.columns)
        while (
            count > LEAST_COLUMNS and console.measure(_grid(table, count), options=unbounded).maximum > width
        ):
            count -= 1
        left_out = ", ".join(column.title for column in table.columns[count:])
        notes = [*table.notes, f"Too wide for {width} columns: {left_out}."] if left_out else table.notes
        console.print(table.caption, markup=False, highlight=False)
        console.print(_grid(table, count))
        for note in notes:
            console.print(note, markup=False, highlight=False)
    return buffer.getvalue()


def _grid(table: Table, count: int) -> RichTable:
    """The first columns of a table as rich draws them."""
    grid = RichTable(box=rich.box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[:count]:
        grid.add_column(column.title, justify="right" if column.form else "left", no_wrap=True)
    for row in table.rows:
        grid.add_row(*(escape(column.show(row)) for column in table.columns[:count]))
    return grid
