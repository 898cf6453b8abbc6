"""Groups of runs with a known truth: do intervals cover it, and do equal groups pass as equal?

Scores are logits of a probit model: quality + seed effect + image effect + interaction, so that the
true mean of each metric is known in closed form.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t

from cifake.comparison.statistics.crossed_effects import CrossedEffects, Estimate, Sample
from cifake.comparison.statistics.influence import INFLUENCE

IMAGES = 1000
IMAGE_SHARE = 0.7  # of a score's variance that all seeds and groups have in common
QUALITIES, WEIGHTS = np.polynomial.hermite_e.hermegauss(31)  # of the expectation over seed effects


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
        crossed = CrossedEffects(world.draw(rng, (good, good, worse)))
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
