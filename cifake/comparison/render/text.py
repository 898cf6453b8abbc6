"""For a terminal."""

import io
import shutil
import sys
import textwrap
from collections.abc import Sequence

import rich.box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from cifake.comparison.notes import note
from cifake.comparison.table import Column, Section, Table

PIPED_WIDTH = 1000  # a reader that is not a terminal wants whole lines
STYLES = {
    "better": "green", "worse": "red", "equivalent": "cyan", "cannot tell": "yellow",
    "reference": "bold blue", "pass": "green", "fail": "red", "best": "bold", "weakest": "bold",
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

        def fits(columns: Sequence[Column], table: Table = table) -> bool:
            return console.measure(_grid(table, columns), options=unbounded).maximum <= width

        wanted = table.columns if fits(table.columns) else table.narrow or table.columns
        count = len(wanted)
        while count > table.essential and not fits(wanted[:count]):
            count -= 1
        columns, left_out = wanted[:count], ", ".join(column.title for column in wanted[count:])
        notes = [*table.notes]
        if left_out:
            notes.append(note("too-wide", f"Columns that do not fit into {width} characters: {left_out}."))
        if table.conclusion:
            console.print(Text(_filled(table.conclusion, width), style="bold"), end="\n\n")
        console.print(_filled(table.caption, width), markup=False, highlight=False, end="\n\n")
        console.print(_grid(table, columns))
        console.print()
        for line in notes:
            console.print(_filled(line, width), markup=False, highlight=False)
    return buffer.getvalue()


def _filled(text: str, width: int) -> str:
    """Lines of a width, none of which begins with a percent sign or ends within a word."""
    filled = textwrap.fill(
        text.replace(" %", "\N{NO-BREAK SPACE}%"), width, break_long_words=False, break_on_hyphens=False
    )
    return filled.replace("\N{NO-BREAK SPACE}", " ")


def _grid(table: Table, columns: Sequence[Column]) -> RichTable:
    """Some columns of a table as rich draws them; long texts break where nothing else can go."""
    grid = RichTable(box=rich.box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
    for place, column in enumerate(columns):
        wraps = len(columns) <= table.essential and place and not column.form
        grid.add_column(Text(column.title), justify="right" if column.form else "left", no_wrap=not wraps)
    for row in table.rows:
        grid.add_row(*(_cell(column.show(row), column.judgement(row)) for column in columns))
    return grid


def _cell(shown: str, judgement: str) -> Text:
    return Text(shown, STYLES.get(judgement, ""))
