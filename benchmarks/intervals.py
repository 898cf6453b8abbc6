"""Do the intervals cover, and do equal groups pass as equal? By simulation with known truth.

Scores are logits of a probit model: quality + seed effect + image effect + interaction, so that the
true mean of each metric is known in closed form. ``small`` and ``large`` seed noise are 0.3 and 3
times the noise of the test images.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small: threads would only wait

from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import norm, t

from cifake.comparison.influence import INFLUENCE
from cifake.comparison.stats import Crossed, Estimate, Sample

IMAGES = 1000
IMAGE_SHARE = 0.7  # of a score's variance that all seeds and groups have in common
QUALITIES, WEIGHTS = np.polynomial.hermite_e.hermegauss(31)  # of the expectation over seed effects
REPETITIONS = 4000
NOISE = {"small": 0.3, "large": 3.0}


@dataclass(frozen=True)
class World:
    """A truth to draw groups from.

    Attributes:
        metric: accuracy, f1 or roc_auc.
        seeds: of each group.
        noise: standard deviation of seed effects on the accuracy, in those of image sampling.
        images: test images.
    """

    metric: str
    seeds: int
    noise: float
    images: int = IMAGES

    def truth(self, quality: float) -> float:
        """The metric's expectation over seeds, of a model whose margins have this mean."""
        at = quality + self._seed_deviation(quality) * QUALITIES
        # Classes are symmetric, so F1 is the accuracy; ROC AUC compares two margins.
        values = norm.cdf(np.sqrt(2) * at if self.metric == "roc_auc" else at)
        return float(np.sum(values * WEIGHTS) / np.sum(WEIGHTS))

    def _seed_deviation(self, quality: float) -> float:
        accuracy = norm.cdf(quality)
        of_images = np.sqrt(accuracy * (1 - accuracy) / self.images)
        return float(self.noise * of_images / norm.pdf(quality))

    def draw(self, rng: np.random.Generator, qualities: tuple[float, ...]) -> list[Sample]:
        """Groups of these qualities on the same images, with seeds of their own."""
        labels = rng.integers(0, 2, self.images)
        shared = np.sqrt(IMAGE_SHARE) * rng.normal(size=self.images)
        samples = []
        for group, quality in enumerate(qualities):
            of_seed = quality + self._seed_deviation(quality) * rng.normal(size=(self.seeds, 1))
            own = np.sqrt(1 - IMAGE_SHARE) * rng.normal(size=(self.seeds, self.images))
            scores = norm.cdf((2 * labels - 1) * of_seed + shared + own)
            pairs = [INFLUENCE[self.metric](labels, of_one) for of_one in scores]
            values, influence = (np.array(each) for each in zip(*pairs, strict=True))
            samples.append(Sample(values, influence, [f"{group}/{seed}" for seed in range(self.seeds)]))
        return samples


def rates(world: World, repetitions: int, seed: int = 0) -> dict[str, float]:
    """Shares of repetitions: false alarms at 5 %, and coverage of nominal 95 % intervals."""
    rng = np.random.default_rng(seed)
    good, worse = 0.9, 0.8
    mean, difference = world.truth(good), world.truth(good) - world.truth(worse)
    counts = np.zeros(4)
    for _ in range(repetitions):
        crossed = Crossed(world.draw(rng, (good, good, worse)))
        of_mean, apart = crossed.mean(0), crossed.difference(0, 2)
        counts += (
            crossed.difference(0, 1).p < 0.05,
            of_mean.low <= mean <= of_mean.high,
            apart.low <= difference <= apart.high,
            abs(of_mean.value - mean) <= _satterthwaite(of_mean, world.seeds),
        )
    names = ("false alarms", "coverage of a mean", "coverage of a difference", "Satterthwaite's of a mean")
    return dict(zip(names, counts / repetitions, strict=True))


def _satterthwaite(estimate: Estimate, seeds: int) -> float:
    """Half the width of the interval that we do not use, for comparison."""
    of_seeds = (estimate.seed_variance or 0.0) / seeds
    variance = estimate.image_variance + of_seeds
    degrees = (seeds - 1) * (variance / of_seeds) ** 2 if of_seeds else np.inf
    return float(t.ppf(0.975, degrees) * np.sqrt(variance))


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
        found = rates(world, REPETITIONS)
        table.add_row(
            world.metric, str(world.seeds), name, *(f"{100 * rate:.1f} %" for rate in found.values())
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
