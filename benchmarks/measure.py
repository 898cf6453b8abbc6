"""Measure contenders in turn, and print medians and ratios."""

import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Mapping

from rich.console import Console
from rich.progress import track
from rich.table import Table

ROUNDS = 5


def in_turn(contenders: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """Call every contender once a round, so that a slow minute of the machine meets all alike."""
    values: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in track(range(rounds), "measuring", console=Console(stderr=True)):
        for name, measure in contenders.items():
            values[name].append(measure())
    return values


def show(
    title: str, unit: str, values: Mapping[str, list[float]], claims: Mapping[tuple[str, str], str]
) -> None:
    """Print the medians, and for each pair of contenders the median of the rounds' ratios.

    Args:
        title: what was measured, with its n.
        unit: of the values.
        values: one number a round, by contender.
        claims: by (numerator, denominator), what their ratio should be: ``at least 0.95``.
    """
    table = Table(title=f"{title}; {rounds_text(values)}; {machine()}", title_justify="left")
    table.add_column("contender")
    table.add_column(f"median {unit}", justify="right")
    table.add_column("lowest to highest", justify="right")
    for name, numbers in values.items():
        table.add_row(
            name, _short(statistics.median(numbers)), f"{_short(min(numbers))} to {_short(max(numbers))}"
        )
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)
    for (above, below), wanted in claims.items():
        ratios = [a / b for a, b in zip(values[above], values[below], strict=True)]
        console.print(
            f"{above} / {below}: {statistics.median(ratios):.3f} (wanted: {wanted})", highlight=False
        )
    print(json.dumps({"title": title, "unit": unit, "values": values}))


def _short(value: float) -> str:
    return f"{value:,.5g}" if value < 10_000 else f"{value:,.0f}"


def rounds_text(values: Mapping[str, list[float]]) -> str:
    """How many rounds the medians are of."""
    return f"median of {len(next(iter(values.values())))}"


def machine() -> str:
    """The processor and the number of cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{cores} cores, {platform.machine()}, Python {platform.python_version()}"
