"""For a terminal."""

import io
import shutil
import sys
from collections.abc import Sequence

import rich.box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable
from rich.text import Text

from cifake.comparison.table import Section, Table

PIPED_WIDTH = 1000  # a reader that is no terminal wants whole lines
VERDICT_STYLES = {
    "better": "green", "worse": "red", "equivalent": "cyan", "cannot tell": "yellow",
    "reference": "bold blue", "pass": "green", "fail": "red",
}  # fmt: skip


def text(sections: Sequence[Section], width: int | None = None) -> str:
    """For a terminal: columns that do not fit are left out and named; whole lines when piped.

    Args:
        sections: what to write.
        width: characters a line; None is the terminal's width, or without end when piped.
    """
    terminal = sys.stdout.isatty()
    width = width or (shutil.get_terminal_size().columns if terminal else PIPED_WIDTH)
    buffer = io.StringIO()
    console = Console(file=buffer, width=width, force_terminal=terminal, force_jupyter=False)
    unbounded = console.options.update(width=PIPED_WIDTH)
    for table in (table for section in sections for table in section.tables):
        count = len(table.columns)
        while (
            count > table.essential
            and console.measure(_grid(table, count), options=unbounded).maximum > width
        ):
            count -= 1
        left_out = ", ".join(column.title for column in table.columns[count:])
        notes = [*table.notes, f"Too wide for {width} columns: {left_out}."] if left_out else table.notes
        if table.conclusion:
            console.print(Text(table.conclusion, style="bold"), end="\n\n")
        console.print(table.caption, markup=False, highlight=False, end="\n\n")
        console.print(_grid(table, count))
        console.print()
        for note in notes:
            console.print(note, markup=False, highlight=False)
    return buffer.getvalue()


def _grid(table: Table, count: int) -> RichTable:
    """The first columns of a table as rich draws them; long texts break where nothing else can go."""
    grid = RichTable(box=rich.box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for place, column in enumerate(table.columns[:count]):
        wraps = count <= table.essential and place and not column.form
        grid.add_column(column.title, justify="right" if column.form else "left", no_wrap=not wraps)
    for row in table.rows:
        grid.add_row(*(_cell(column.show(row), column.key) for column in table.columns[:count]))
    return grid


def _cell(shown: str, key: str) -> str:
    style = VERDICT_STYLES.get(shown) if key == "verdict" else None
    return f"[{style}]{escape(shown)}[/]" if style else escape(shown)
