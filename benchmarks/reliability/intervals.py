"""Do the intervals cover, and do equal groups pass as equal? By simulation with known truth.

Scores are logits of a probit model: quality + seed effect + image effect + interaction, so that the
true mean of each metric is known in closed form. ``small`` and ``large`` seed noise are 0.3 and 3
times the noise of the test images.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small: threads would only wait

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.support.simulation import IMAGES, World, rates

REPETITIONS = 4000
NOISE = {"small": 0.3, "large": 3.0}


def main() -> None:
    table = Table(title=f"{REPETITIONS:,} repetitions, {IMAGES:,} images", title_justify="left")
    worlds = [
        (name, World(metric, seeds, noise))
        for metric in ("accuracy", "f1", "roc_auc")
        for seeds in (3, 5, 10)
        for name, noise in NOISE.items()
    ]
    for title in (
        "metric",
        "seeds",
        "seed noise",
        "false alarms",
        "mean",
        "difference",
        "mean, Satterthwaite",
    ):
        table.add_column(title, justify="right" if table.columns else "left")
    for name, world in track(worlds, "simulating", console=Console(stderr=True)):
        measured = rates(world, REPETITIONS)
        table.add_row(
            world.metric, str(world.seeds), name, *(f"{100 * rate:.1f} %" for rate in measured.values())
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
