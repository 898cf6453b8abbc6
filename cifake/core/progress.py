"""Progress bars on stderr; without a terminal they show nothing."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)


def progress_bar(*columns: ProgressColumn, transient: bool = True) -> Progress:
    """A bar to use as a context.

    Args:
        columns: of each line; by default description, bar, count and time.
        transient: whether the bar disappears at the end.
    """
    usual = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    hidden = not console.is_terminal
    return Progress(*(columns or usual), console=console, disable=hidden, transient=transient)
