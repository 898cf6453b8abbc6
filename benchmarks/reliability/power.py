"""How near does the test come to what a few common seeds can show? The runs are those of ``real_runs``.

All draws share their test images, so power is over seeds alone. Beside the share of draws stand its
sampling error, and what tests would find if differences over seeds were normal, with the mean, the
variance and the image variance of all runs: ours; the paired t-test of the seeds alone, which says
nothing of other images; and the normal test with both variances known, which no test can have.

The second table is of a rule that was not adopted. What seeds and images do together is a part of the
variance over seeds, and known from the many images: no estimate below it is taken, and a share of it does
not count as estimated from few seeds.

    python -m benchmarks.reliability.power
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small: threads would only wait

from dataclasses import dataclass
from itertools import product

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import special

from benchmarks.reliability.real_runs import SEEDS, load_samples
from cifake.comparison.statistics.crossed_effects import Sample
from cifake.contract import higher_is_better

GOALS = {("accuracy", 5): 0.60, ("loss", 5): 0.65, ("roc_auc", 5): 0.90}
DRAWS, HALVINGS, HALF_DRAWS, NODES = 20_000, 400, 2000, 2000
COUNTED = (None, 0.0, 0.25, 0.5, 1.0)  # of the interaction's variance; None leaves it out
IMAGE_SHARES = (0.0, 0.1, 0.25, 0.5, 0.8)  # of the variance of a mean difference
INTERACTION_SHARES = (0.02, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)  # of the variance over seeds


@dataclass(frozen=True)
class Differences:
    """Of two variants, seed by seed.

    Attributes:
        values: [R], above 0 where the first is better.
        covariance: [R, R], through the images.
    """

    values: np.ndarray
    covariance: np.ndarray

    @classmethod
    def between(cls, first: Sample, second: Sample, sign: int) -> "Differences":
        influence = first.influence - second.influence
        n = influence.shape[1]
        return cls(sign * (first.values - second.values), influence @ influence.T / (n * (n - 1)))

    def images(self, rows: np.ndarray) -> np.ndarray:
        """The variance of a mean through the images, by draw, [draws] of rows [draws, k]."""
        of_draw = self.covariance[rows[:, :, None], rows[:, None, :]]
        apart = of_draw.sum((1, 2)) - np.trace(of_draw, axis1=1, axis2=2)
        return np.maximum(apart / (rows.shape[1] * (rows.shape[1] - 1)), 0)

    def found(self, rows: np.ndarray) -> float:
        """Share of draws of seeds, [draws, k], in which our test finds the first better."""
        values, seeds = self.values[rows], rows.shape[1]
        widths = half_width(self.images(rows), values.var(axis=1, ddof=1) / seeds, seeds - 1)
        return float(np.mean(values.mean(axis=1) > widths))


def half_width(
    images: np.ndarray | float, seeds: np.ndarray, degrees: int, known: float = 0.0, counted: float = 1.0
) -> np.ndarray:
    """Of the 95 % interval of ``crossed_effects``.

    ``known`` is the least that the variance through seeds can be; a share of it, ``counted``, does not
    count as estimated from few seeds.
    """
    variance = np.maximum(images + np.maximum(seeds, known), np.finfo(float).tiny)
    unknown = np.maximum(seeds - counted * known, 1e-12 * variance)
    power = max(2 - 2 / degrees, 1)
    width: np.ndarray = special.stdtrit(degrees * (variance / unknown) ** power, 0.975) * np.sqrt(variance)
    return width


def draw(rng: np.random.Generator, rows: np.ndarray, seeds: int, draws: int) -> np.ndarray:
    return rows[rng.random((draws, len(rows))).argsort(axis=1)[:, :seeds]]


def sampling_error(differences: Differences, seeds: int, rng: np.random.Generator) -> float:
    """Standard error of the share of draws, from halves of the runs, which have no seed in common."""
    runs = len(differences.values)
    gaps = []
    for _ in range(HALVINGS):
        order = rng.permutation(runs)
        halves = order[: runs // 2], order[runs // 2 :]
        gaps.append(np.subtract(*(differences.found(draw(rng, half, seeds, HALF_DRAWS)) for half in halves)))
    return float(np.sqrt(np.mean(np.square(gaps))) / 2)


def chances(
    mean: float, images: float, of_one: float, seeds: int, known: float = 0.0, counted: float = 1.0
) -> tuple[float, float]:
    """Of finding a difference given the images, and of a false alarm over all images, if all is normal.

    ``of_one`` is the variance of one seed's difference, ``known`` its part that is; see ``half_width``.
    """
    quantiles = special.gammaincinv((seeds - 1) / 2, (np.arange(NODES) + 0.5) / NODES)
    of_seeds = of_one / seeds
    estimates = 2 * quantiles / (seeds - 1) * of_seeds
    widths = half_width(images, estimates, seeds - 1, known / seeds, counted)
    telling = np.mean(special.ndtr((mean - widths) / np.sqrt(of_seeds)))
    return float(telling), float(np.mean(2 * special.ndtr(-widths / np.sqrt(images + of_seeds))))


def ceilings(pairs: dict[str, Differences]) -> Table:
    table = Table(
        title=f"base > epoch: {DRAWS:,} draws of common seeds, and what tests find if differences are normal",
        title_justify="left",
    )
    for title in ("metric", "seeds", "goal", "found", "standard error", "ours, normal",
                  "paired t-test, seeds alone", "variances known"):  # fmt: skip
        table.add_column(title, justify="right" if table.columns else "left")
    rng = np.random.default_rng(0)
    for (metric, pair), seeds in product(pairs.items(), SEEDS):
        everyone = np.arange(len(pair.values))
        mean, of_one = pair.values.mean(), pair.values.var(ddof=1)
        images, error = pair.images(everyone[None])[0], np.sqrt(of_one / seeds)
        critical = special.stdtrit(seeds - 1, 0.975)
        known = special.ndtr((mean - special.ndtri(0.975) * np.sqrt(images + of_one / seeds)) / error)
        shares = (
            pair.found(draw(rng, everyone, seeds, DRAWS)), sampling_error(pair, seeds, rng),
            chances(mean, images, of_one, seeds)[0],
            1 - special.nctdtr(seeds - 1, mean / error, critical), known,
        )  # fmt: skip
        goal = GOALS.get((metric, seeds))
        table.add_row(
            metric, str(seeds), f"{goal:.2f}" if goal else "", *(f"{share:.2f}" for share in shares)
        )
    return table


def counting_interaction(pairs: dict[str, Differences]) -> Table:
    table = Table(
        title="With the interaction known: false alarms, and base > epoch with five seeds, if all is normal",
        title_justify="left",
    )
    for title in ("share", *(f"{seeds} seeds" for seeds in SEEDS), *pairs):
        table.add_column(title, justify="right")
    for share in COUNTED:
        cells = []
        for seeds in SEEDS:
            alarms = []
            for images, both in product(IMAGE_SHARES, INTERACTION_SHARES):
                of_one = seeds * (1 - images)
                known = both * of_one if share is not None else 0.0
                alarms.append(100 * chances(0.0, images, of_one, seeds, known, share or 0.0)[1])
            cells.append(f"{min(alarms):.1f} to {max(alarms):.1f} %")
        for pair in pairs.values():
            images = pair.images(np.arange(len(pair.values))[None])[0]
            both = np.trace(pair.covariance) / len(pair.values) - images if share is not None else 0.0
            mean, of_one = pair.values.mean(), pair.values.var(ddof=1)
            cells.append(f"{chances(mean, images, of_one, 5, both, share or 0.0)[0]:.2f}")
        table.add_row("ours, none" if share is None else f"{share:g}", *cells)
    return table


def main() -> None:
    pairs = {}
    for metric, samples in load_samples().items():
        sign = 1 if higher_is_better(metric) else -1
        pairs[metric] = Differences.between(samples["base"], samples["epoch"], sign)
    Console(width=140).print(ceilings(pairs), counting_interaction(pairs))


if __name__ == "__main__":
    main()
