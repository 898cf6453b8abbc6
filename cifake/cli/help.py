"""``--help``, made from the options that a command declares."""

import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

from pydantic.fields import FieldInfo

from cifake.cli.grammar import CommandOptions, Options, read_options

FORMS = "--KEY VALUE, --KEY=VALUE and KEY=VALUE mean the same."
CODES = "Exit codes: 0 done, 2 a mistake that you can mend, 70 a defect; docs/stopping.md has the others."


def options_or_help(
    options: type[Options], argv: Sequence[str], program: str, summary: str, footer: str = ""
) -> Options:
    """The options of a command from its command line; with ``--help``, its help, and the end of the command.

    Raises:
        ConfigError: an option that is missing or unknown, or a value that is out of range.
    """
    print_help_if_asked(argv, usage_of(program, options), summary, option_rows(options), footer)
    return read_options(options, argv)[0]


def print_help_if_asked(
    argv: Sequence[str], usage: str, summary: str, rows: Iterable[tuple[str, str]], footer: str = ""
) -> None:
    """Print the help, with a row for each option, and exit with 0 if ``--help`` or ``-h`` is in ``argv``."""
    if not {"--help", "-h"} & set(argv):
        return
    width = shutil.get_terminal_size().columns - 2
    texts = [textwrap.fill(text, width) for text in (summary, footer, FORMS, CODES) if text]
    print("\n\n".join([f"usage: {usage} [--KEY VALUE ...]", texts[0], _table(list(rows), width), *texts[1:]]))
    sys.exit(0)


def option_rows(options: type[CommandOptions]) -> list[tuple[str, str]]:
    """Every option with its description and its default; required ones come first."""
    fields = sorted(options.model_fields.items(), key=lambda item: not item[1].is_required())
    return [(key, f"{field.description}{_default(field)}") for key, field in fields]


def usage_of(program: str, options: type[CommandOptions]) -> str:
    """A command with its required options."""
    required = [key for key, field in options.model_fields.items() if field.is_required()]
    return " ".join([program, *(f"{key}={key.upper()}" for key in required)])


def _table(rows: Sequence[tuple[str, str]], width: int) -> str:
    """One line a row, more where the text is long."""
    column = max(len(key) for key, _ in rows) + 4
    return "\n".join(
        textwrap.fill(
            text, width, initial_indent=f"  {key:{column - 2}}", subsequent_indent=" " * column,
            break_long_words=False, break_on_hyphens=False,
        )
        for key, text in rows
    )  # fmt: skip


def _default(field: FieldInfo) -> str:
    """The default in parentheses; nothing where there is none, or the description gives it."""
    value = field.get_default()
    if not isinstance(value, str | int | float) or value == "" or "(default: " in (field.description or ""):
        return ""
    return f" (default: {str(value).lower() if isinstance(value, bool) else value})"
