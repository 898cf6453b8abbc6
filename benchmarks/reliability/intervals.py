"""Do intervals cover, and do equal groups pass as equal? By simulation with known truth.

Scores are logits of a probit model: quality + seed effect + image effect + interaction, so that the
true mean of each metric is known in closed form. ``small`` and ``large`` seed noise are 0.3 and 3
times the noise of the test images; a ratio of 0.33 makes it a third in every second group. The second
table has more cells of the metric's values alone, drawn from normal distributions, the third values that
are skewed, because a bound is near.

    python -m benchmarks.reliability.intervals [repetitions]
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small: threads would only wait

import sys
from itertools import product

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.special import ndtr, stdtrit
from scipy.stats import skew

from tests.support.simulation import Design, World, normal_rates, rates

REPETITIONS, IMAGES = 4000, 1000
METRICS, SEEDS, NOISE = ("accuracy", "f1", "roc_auc"), (3, 5, 10), {"small": 0.3, "large": 3.0}
THIRD = 1 / 3
# Seeds in common, their correlation, and the noise of every second group by that of the others.
SCORES = [
    ("none", 0.0, 1),
    ("all", 0.0, 1),
    ("all", 0.5, 1),
    ("all", 0.9, 1),
    ("all", 0.5, THIRD),
    ("half", 0.5, 1),
]
VALUES = list(product(("all", "half", "none"), (1, THIRD)))
CORRELATIONS = (0.0, 0.5, 0.9)
SPREADS = (0.05, 0.1, 0.2, 0.3, 0.4)  # of margins over seeds


def common_seeds(name: str, seeds: int) -> int:
    return {"none": 0, "half": (seeds + 1) // 2, "all": seeds}[name]


def of_scores(repetitions: int) -> Table:
    table = Table(title=f"Scores: {repetitions:,} repetitions, {IMAGES:,} images", title_justify="left")
    for title in ("metric", "seeds", "seed noise", "common", "correlation", "ratio", "false alarms", "mean",
                  "difference", "mean, Satterthwaite"):  # fmt: skip
        table.add_column(title, justify="right" if table.columns else "left")
    cells = list(product(METRICS, SEEDS, NOISE, SCORES))
    for metric, seeds, noise, (common, correlation, ratio) in track(
        cells, "scores", console=Console(stderr=True)
    ):
        design = Design(seeds, NOISE[noise], common_seeds(common, seeds), correlation, ratio)
        found = rates(World(metric, design, IMAGES), repetitions)
        texts = [f"{100 * rate:.1f} %" for rate in found.values()]
        table.add_row(metric, str(seeds), noise, common, f"{correlation:g}", f"{ratio:.2g}", *texts)
    return table


def of_values(repetitions: int) -> Table:
    table = Table(
        title=f"Values: {repetitions:,} repetitions; false alarms, and the median width by that without "
        "pairing, at correlations of",
        title_justify="left",
    )
    for title in ("seeds", "seed noise", "common", "ratio", *(f"{value:g}" for value in CORRELATIONS)):
        table.add_column(title, justify="right")
    cells = list(product(SEEDS, NOISE, VALUES))
    for seeds, noise, (common, ratio) in track(cells, "values", console=Console(stderr=True)):
        designs = [Design(seeds, NOISE[noise], common_seeds(common, seeds), c, ratio) for c in CORRELATIONS]
        found = [normal_rates(design, repetitions) for design in designs]
        texts = [f"{100 * rate:.1f} %, {width:.2f}" for rate, width in found]
        table.add_row(str(seeds), noise, common, f"{ratio:.2g}", *texts)
    return table


def roc_auc(spread: float, effects: np.ndarray) -> np.ndarray:
    """Of a model whose margins have mean 0.9 and, over seeds, this deviation."""
    return np.asarray(ndtr(np.sqrt(2) * (0.9 + spread * effects)))


def of_skewed_values(repetitions: int) -> Table:
    table = Table(
        title=f"ROC AUC that is skewed over seeds, no images: {repetitions:,} repetitions, common seeds with "
        "correlation 0.5; false alarms with equal noise, with a third of it in one group; coverage of a mean",
        title_justify="left",
    )
    of_seeds = (f"{what}, {seeds} seeds" for what in ("equal", "a third", "mean") for seeds in SEEDS)
    for title in ("mean", "deviation", "of 1 - mean", "skewness", *of_seeds):
        table.add_column(title, justify="right")
    for spread in SPREADS:
        values = roc_auc(spread, np.random.default_rng(0).normal(size=1_000_000))
        rates_ = np.array([skewed_rates(spread, seeds, repetitions) for seeds in SEEDS]).T.ravel()
        table.add_row(
            f"{values.mean():.3f}", f"{values.std():.3f}", f"{values.std() / (1 - values.mean()):.2f}",
            f"{skew(values):.1f}", *(f"{100 * rate:.1f} %" for rate in rates_),
        )  # fmt: skip
    return table


def skewed_rates(spread: float, seeds: int, repetitions: int) -> list[float]:
    """False alarms with equal noise and with a third of it, and how often a mean's interval covers it."""
    rng = np.random.default_rng(0)
    first, second = Design(seeds, 1.0, seeds, 0.5).effects(rng, 2, (repetitions,))
    many = rng.normal(size=1_000_000)
    cases = [
        roc_auc(spread, first) - roc_auc(of_second, second)
        - (roc_auc(spread, many).mean() - roc_auc(of_second, many).mean())
        for of_second in (spread, spread * THIRD)
    ]  # fmt: skip
    cases.append(roc_auc(spread, first) - roc_auc(spread, many).mean())
    critical = stdtrit(seeds - 1, 0.975)
    outside = [
        float(np.mean(np.abs(each.mean(0)) > critical * each.std(0, ddof=1) / np.sqrt(seeds)))
        for each in cases
    ]
    return [*outside[:2], 1 - outside[2]]


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else REPETITIONS
    console = Console(width=140)
    console.print(of_values(5 * repetitions))
    console.print(of_skewed_values(5 * repetitions))
    console.print(of_scores(repetitions))


if __name__ == "__main__":
    main()
