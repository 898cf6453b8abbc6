"""``--help``, made from what a command declares."""

import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

from pydantic.fields import FieldInfo

from cifake.cli.grammar import CommandOptions


def print_help_if_asked(
    argv: Sequence[str], usage: str, summary: str, rows: Iterable[tuple[str, str]], footer: str = ""
) -> None:
    """Print the help and exit with 0 if ``--help`` or ``-h`` is among the words.

    Args:
        argv: the words of the command line.
        usage: how the command is called: ``python -m cifake.train FILE``.
        summary: what it does, in a sentence.
        rows: its options, or settings, each with a description.
        footer: what is printed below them.
    """
    if not {"--help", "-h"} & set(argv):
        return
    width = shutil.get_terminal_size().columns - 2
    parts = [
        f"usage: {usage} [--KEY VALUE | KEY=VALUE ...]",
        textwrap.fill(summary, width),
        _table(rows, width),
    ]
    print("\n\n".join([*parts, *([textwrap.fill(footer, width)] if footer else [])]))
    sys.exit(0)


def option_rows(options: type[CommandOptions]) -> list[tuple[str, str]]:
    """Every option with its description and its default."""
    return [(key, f"{field.description}{_default(field)}") for key, field in options.model_fields.items()]


def usage_of(program: str, options: type[CommandOptions]) -> str:
    """A command with the options that it requires."""
    required = [key for key, field in options.model_fields.items() if field.is_required()]
    return " ".join([program, *(f"{key}={key.upper()}" for key in required)])


def _table(rows: Iterable[tuple[str, str]], width: int) -> str:
    """A line for each row, or several where it is long."""
    rows = list(rows)
    column = max(len(key) for key, _ in rows) + 4
    return "\n".join(
        textwrap.fill(
            text,
            width=width,
            initial_indent=f"  {key:{column - 2}}",
            subsequent_indent=" " * column,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for key, text in rows
    )


def _default(field: FieldInfo) -> str:
    """Nothing where the description itself gives the default."""
    value = field.get_default()
    if isinstance(value, bool):
        return f" (default: {str(value).lower()})"
    return f" (default: {value})" if value and isinstance(value, str | int | float) else ""
