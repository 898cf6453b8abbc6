"""Formats: from tables to text. A format is one function, listed in FORMATS."""

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable, Sequence

import rich.box
from rich.console import Console
from rich.table import Table as RichTable

from cifake.comparison.table import Table

PIPED_WIDTH = 1000  # a reader that is no terminal wants whole lines


def text(tables: Sequence[Table]) -> str:
    """For a terminal: as wide as it is, or as wide as the table needs when piped."""
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if terminal else PIPED_WIDTH
    buffer = io.StringIO()
    console = Console(file=buffer, width=width, force_terminal=terminal)
    for table in tables:
        shown = RichTable(box=rich.box.SIMPLE_HEAD, pad_edge=False)
        for column in table.columns:
            shown.add_column(column.title, justify="right" if column.form else "left")
        for row in table.rows:
            shown.add_row(*(column.show(row) for column in table.columns))
        console.print(table.caption, markup=False, highlight=False)
        console.print(shown)
        for note in table.notes:
            console.print(note, markup=False, highlight=False)
    return buffer.getvalue()


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
