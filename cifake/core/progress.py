"""Progress bars on stderr, without a terminal nothing; log messages that go with them."""

import logging
import sys

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from cifake.core.addresses import without_password


def progress_bar(*columns: ProgressColumn, transient: bool = True) -> Progress:
    """A bar to use as a context; by default of description, bar, count and time."""
    usual = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    hidden = not console.is_terminal
    return Progress(*(columns or usual), console=console, disable=hidden, transient=transient)


class StderrHandler(logging.Handler):
    """Prints log messages to what ``sys.stderr`` is at that moment: above a bar, while one is shown."""

    def emit(self, record: logging.LogRecord) -> None:
        print(without_password(self.format(record)), file=sys.stderr)


def configure_logging() -> None:
    """Log this package's messages as plain lines on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[StderrHandler()])
