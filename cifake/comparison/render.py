"""Formats: from tables to text. A format is one function, listed in FORMATS."""

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable, Sequence

import rich.box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from cifake.comparison.table import Table

PIPED_WIDTH = 1000  # a reader that is no terminal wants whole lines
LEAST_COLUMNS = 4  # rank, variant, runs and the metric


def text(tables: Sequence[Table], width: int | None = None) -> str:
    """For a terminal: columns that do not fit are left out and named; whole lines when piped.

    Args:
        tables: what to write.
        width: characters a line; None is the terminal's width, or without end when piped.
    """
    terminal = sys.stdout.isatty()
    width = width or (shutil.get_terminal_size().columns if terminal else PIPED_WIDTH)
    buffer = io.StringIO()
    console = Console(file=buffer, width=width, force_terminal=terminal)
    unbounded = console.options.update(width=PIPED_WIDTH)
    for table in tables:
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


def markdown(tables: Sequence[Table]) -> str:
    """Pipe tables, as GitHub and the MLflow UI show them."""
    blocks = []
    for table in tables:
        lines = [
            [column.title for column in table.columns],
            ["--:" if column.form else ":--" for column in table.columns],
            *([column.show(row) for column in table.columns] for row in table.rows),
        ]
        body = "\n".join(
            "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
        )
        blocks.append("\n\n".join([table.caption, body, *table.notes]))
    return "\n\n".join(blocks) + "\n"


def comma_separated(tables: Sequence[Table]) -> str:
    """One header, every row with what holds for its table; full precision."""
    rows = [{**table.about, **row} for table in tables for row in table.rows]
    file = io.StringIO()
    writer = csv.DictWriter(
        file, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def as_json(tables: Sequence[Table]) -> str:
    """A list of tables, each with caption, what holds for its rows, rows and notes."""
    documents = [
        {"caption": table.caption, **table.about, "rows": table.rows, "notes": table.notes}
        for table in tables
    ]
    return json.dumps(documents, indent=2) + "\n"


FORMATS: dict[str, Callable[[Sequence[Table]], str]] = {
    "text": text,
    "md": markdown,
    "csv": comma_separated,
    "json": as_json,
}
