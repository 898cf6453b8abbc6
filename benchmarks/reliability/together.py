"""Comparisons looked at together, and looked at again while seeds are added: how often is any wrong?

Groups are equal; their seeds are common to all. Seed noise is 0.3 (small), 1 and 3 (large) times that of
the test images. The last table has two groups that differ: how many trainings looking on the way saves.

    python -m benchmarks.reliability.together [repetitions]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small: threads would only wait

import sys
from dataclasses import replace
from itertools import product

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.support.simulation import Design, any_false_call, looking

REPETITIONS = 2000
NOISE = {"small": 0.3, "medium": 1.0, "large": 3.0}
SHARING = {"other seeds": (0, 0.0), "0": (1, 0.0), "0.5": (1, 0.5), "0.9": (1, 0.9)}
LOOKS = range(3, 11)
DIFFERENCES = {"large": 3.0, "small": 1.5, "none": 0.0}  # in standard deviations of a test set's noise


def design_of(seeds: int, noise: str, sharing: str) -> Design:
    common, correlation = SHARING[sharing]
    return Design(seeds, NOISE[noise], common * seeds, correlation)


def false_calls(repetitions: int) -> Table:
    table = Table(
        title=f"Any false call among ties at 5 %: {repetitions:,} repetitions, by the correlation of seeds",
        title_justify="left",
    )
    for title in ("ties", "against", "seeds", "seed noise", *SHARING):
        table.add_column(title, justify="right")
    cells = list(product((4, 20), ("first", "best"), (3, 5, 10), NOISE))
    for ties, against, seeds, noise in track(cells, "false calls", console=Console(stderr=True)):
        designs = [design_of(seeds, noise, sharing) for sharing in SHARING]
        found = [any_false_call(design, ties + 1, repetitions, against) for design in designs]
        table.add_row(str(ties), against, str(seeds), noise, *(f"{100 * rate:.1f} %" for rate in found))
    return table


def looks(repetitions: int) -> Table:
    table = Table(
        title=f"Any false alarm in looks at {LOOKS[0]} to {LOOKS[-1]} seeds: {repetitions:,} repetitions",
        title_justify="left",
    )
    for title in ("seed noise", "noise of groups", *SHARING):
        table.add_column(title, justify="right")
    for noise, ratio in product(NOISE, (1, 3)):
        designs = [replace(design_of(LOOKS[-1], noise, sharing), ratio=ratio) for sharing in SHARING]
        found = [looking(design, LOOKS, repetitions)[0] for design in designs]
        label = "equal" if ratio == 1 else "1 to 3"
        table.add_row(noise, label, *(f"{100 * rate:.1f} %" for rate in found))
    return table


def savings(repetitions: int) -> Table:
    table = Table(
        title=f"Seeds of two groups until told apart, at most {LOOKS[-1]}: {repetitions:,} repetitions, "
        "medium seed noise, correlation 0.5",
        title_justify="left",
    )
    for title in ("difference", "told apart", "by one look at the end", "mean seeds", "trainings saved"):
        table.add_column(title, justify="right" if table.columns else "left")
    design = design_of(LOOKS[-1], "medium", "0.5")
    for name, difference in DIFFERENCES.items():
        told, seeds = looking(design, LOOKS, repetitions, difference)
        at_end, _ = looking(design, LOOKS[-1:], repetitions, difference)
        table.add_row(name, f"{told:.2f}", f"{at_end:.2f}", f"{seeds:.1f}", f"{1 - seeds / LOOKS[-1]:.0%}")
    return table


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else REPETITIONS
    console = Console(width=140)
    console.print(looks(10 * repetitions))
    console.print(savings(10 * repetitions))
    console.print(false_calls(repetitions))


if __name__ == "__main__":
    main()
