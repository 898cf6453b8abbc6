"""How far a prediction is: a bar on a terminal, elsewhere a line each half a minute."""

import time
from collections.abc import Iterable

from rich.console import Console

from cifake.core.progress import progress_bar

QUIET = 30.0  # seconds between two lines


def follow(name: str, steps: Iterable[int], done: int, total: int | None) -> None:
    """Exhaust an iterable of numbers of images, showing their sum.

    Args:
        name: of the input.
        steps: images of each step.
        done: images before the first step.
        total: images in all; None where that is not known.
    """
    console = Console(stderr=True)
    said = time.monotonic()
    with progress_bar() as progress:
        line = progress.add_task(name, total=total, completed=done)
        for count in steps:
            done += count
            progress.update(line, completed=done)
            if not console.is_terminal and time.monotonic() - said > QUIET:
                said = time.monotonic()
                of_all = f" of {total:,}" if total else ""
                console.print(f"{name}: {done:,}{of_all} images", markup=False, highlight=False)
