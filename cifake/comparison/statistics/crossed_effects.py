"""How sure a mean over seeds, and a difference of two, are: pure functions of arrays.

A group of repeats is seeds crossed with images: every seed's model scored the same n test images.
With a seed's metric as m = mu + image effect + seed effect + interaction, the variance of the mean
over R seeds is

    c + s^2 / R,

c the covariance of two seeds' metrics through the images they share (from influence values, see
``influence``), s^2 the sample variance of m over seeds, which holds seed effect and interaction. For
the difference of two groups on the same images, c is the variance of the difference of their image
effects, and s^2 / R becomes the variance of the difference over seeds, paired by the seeds they have in
common (see ``seed_noise``). Crossed random effects: Gallas et al. 2009, Comm. Statist. Theory Methods
38, 2586.

c rests on many images, s^2 / R on few seeds, so intervals use the t distribution. Satterthwaite (1946)
gives it v / share^2 degrees of freedom, v those of the seeds and share theirs of the variance. That
covers 91 % where 95 % are meant, because the share itself was estimated from few seeds. v / share^k with
k = 2 - 2 / v, but at least 1, covers 92 to 97 % (``benchmarks/reliability/intervals.py``).

Where seeds tie by chance, s^2 = 0, c is not certain either: its estimate leaves out the interaction, which
shows in s^2. The images' variance is then at least that of the mean over the seeds, interaction included.

A single seed cannot show seed noise: its variance is that of the images alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from cifake.comparison.statistics.image_noise import image_covariance, of_differences
from cifake.comparison.statistics.seed_noise import seed_noise


@dataclass(frozen=True)
class Sample:
    """A metric of one group.

    Attributes:
        values: [R], one a seed.
        influence: [R, n], each image's influence on each value.
        seeds: [R], the seeds' names; groups are paired by them.
    """

    values: np.ndarray
    influence: np.ndarray
    seeds: Sequence[str]


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds, or a difference of two, with its confidence interval.

    Attributes:
        value: the estimate.
        low: lower end of the interval.
        high: its upper end.
        p: of the two-sided test that the true value is 0.
        degrees_of_freedom: of the t distribution behind both; infinite where images alone count.
        image_variance: what stays however many seeds there are; with one seed, all there is.
        seed_variance: of one seed (for a difference, of one seed on each side); None where a side has
            one seed.
        confidence: the level of the interval.
        standard_error: of the value.
        seed_sets: 2 for a difference of groups that are not paired by seed, otherwise 1.
    """

    value: float
    low: float
    high: float
    p: float
    degrees_of_freedom: float
    image_variance: float
    seed_variance: float | None
    confidence: float
    standard_error: float
    seed_sets: int = 1


class CrossedEffects:
    """Estimates from groups that were scored on the same images.

    Args:
        samples: one a group, all with the same n images.
        confidence: level of the intervals, between 0 and 1.

    Attributes:
        means: [G], over seeds.
        seeds: int [G], how many.
        image_covariance: [G, G], of the means through the images.
        image_noise: [G, G], variances of the differences of the means through the images; where seeds tie
            at least those of the influences' means.
        seed_noise: [G, G], through the seeds.
        seed_degrees: [G, G], degrees of freedom of ``seed_noise``.
        one_seed_variance: [G], of one seed's value through the images.
        seed_covariance: [G, G], of one seed's values; the diagonal holds their variances.
    """

    def __init__(self, samples: Sequence[Sample], confidence: float = 0.95):
        self.confidence = confidence
        values, self._present = _table(samples)
        self.seeds = self._present.sum(1)
        self.means = np.where(self._present, values, 0).sum(1) / self.seeds
        self.image_covariance, self.one_seed_variance = image_covariance(
            [sample.influence for sample in samples], [sample.seeds for sample in samples]
        )
        self.seed_noise, self.seed_degrees, self.seed_covariance = seed_noise(values, self._present)
        influence = np.array([sample.influence.mean(0) for sample in samples])
        self._of_mean = influence @ influence.T / (influence.shape[1] * (influence.shape[1] - 1))
        noise = of_differences(self.image_covariance)
        self.image_noise = np.where(
            self.seed_noise > 0, noise, np.maximum(noise, of_differences(self._of_mean))
        )

    @property
    def covariance(self) -> np.ndarray:
        """Of the means through images and seeds, [G, G], as if no two groups had seeds in common.

        Estimated from few seeds, covariances would make comparisons look more alike than they are.
        """
        return self.image_covariance + np.diag(np.diag(self.seed_covariance) / self.seeds)

    def mean(self, group: int) -> Estimate:
        """The mean over a group's seeds."""
        of_seeds, seeds = self.seed_covariance[group, group], self.seeds[group]
        least = 0.0 if of_seeds > 0 else self._of_mean[group, group]
        images = max(self.image_covariance[group, group], least)
        variance, degrees = add_variances(images, of_seeds / seeds, seeds - 1)
        repeated = of_seeds if seeds > 1 else None
        return _estimate(self.means[group], variance, degrees, images, repeated, self.confidence)

    def difference(self, group: int, other: int, confidence: float | None = None) -> Estimate:
        """Mean of ``group`` less mean of ``other``, paired by image and by the seeds in common.

        Groups are named by their places; ``confidence`` is that of all others where it is None.
        """
        at = (group, other)
        own = self.seed_covariance[group, group] + self.seed_covariance[other, other]
        paired = int((self._present[group] & self._present[other]).sum()) > 1
        repeated = min(self.seeds[group], self.seeds[other]) > 1
        images = self.image_noise[at]
        variance, degrees = add_variances(images, self.seed_noise[at], self.seed_degrees[at])
        of_seeds = max(own - 2 * self.seed_covariance[at], 0.0) if repeated else None
        value, level = self.means[group] - self.means[other], confidence or self.confidence
        return _estimate(value, variance, degrees, images, of_seeds, level, 1 if paired else 2)


def _estimate(
    value: float,
    variance: np.ndarray,
    degrees: np.ndarray,
    images: float,
    of_seeds: float | None,
    confidence: float,
    seed_sets: int = 1,
) -> Estimate:
    error = float(np.sqrt(variance))
    width = special.stdtrit(degrees, (1 + confidence) / 2) * error
    p = 2 * special.stdtr(degrees, -abs(value) / error) if error > 0 else value == 0
    low, high = float(value - width), float(value + width)
    of_one = None if of_seeds is None else float(of_seeds)
    freedom, of_images = float(degrees), float(images)
    return Estimate(
        float(value), low, high, float(p), freedom, of_images, of_one, confidence, error, seed_sets
    )


def add_variances(
    images: np.ndarray | float, seeds: np.ndarray, degrees: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Variance and degrees of freedom of known variances through images and estimated ones through seeds."""
    variance = images + seeds
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.maximum(2 - 2 / np.asarray(degrees, float), 1)
        return variance, np.where(seeds > 0, degrees * (variance / seeds) ** power, np.inf)


def _table(samples: Sequence[Sample]) -> tuple[np.ndarray, np.ndarray]:
    """Values [G, S] by group and seed, 0 where there is none, and where there is one."""
    names = sorted({seed for sample in samples for seed in sample.seeds})
    column = {name: place for place, name in enumerate(names)}
    values, present = np.zeros((len(samples), len(names))), np.zeros((len(samples), len(names)), bool)
    for row, sample in enumerate(samples):
        columns = [column[seed] for seed in sample.seeds]
        values[row, columns], present[row, columns] = sample.values, True
    return values, present
