"""How sure a mean over seeds, and a difference of two, are: pure functions of arrays.

A group of repeats is seeds crossed with images: every seed's model scored the same n test images.
With a seed's metric as m = mu + image effect + seed effect + interaction, the variance of the mean
over R seeds is

    c + s^2 / R,

c the covariance of two seeds' metrics through the images they share (from influence values, see
``influence``), s^2 the sample variance of m over seeds, which holds seed effect and interaction. For
the difference of two groups on the same images, c is the variance of the difference of their image
effects: where the images matter alike to both it vanishes, and what is left is Welch's t-test over
seeds. Crossed random effects: Gallas et al. 2009, Comm. Statist. Theory Methods 38, 2586.

c rests on many images, s^2 / R on few seeds, so intervals use the t distribution, with the seeds'
degrees of freedom divided by the seeds' share of the variance. Satterthwaite (1946) divides by the
share squared; with a share that was itself estimated from three seeds, that covers 91 % where 95 %
are meant, and this 93 to 96 % (``benchmarks/reliability/intervals.py``).

A single seed cannot show seed noise: its variance is that of the images alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import special

MOST_SEEDS = 1000


@dataclass(frozen=True)
class Sample:
    """A metric of one group.

    Attributes:
        values: [R], one a seed.
        influence: [R, n], each image's influence on each value.
        seeds: [R], the seeds' names.
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
        seed_variance: of one seed (for a difference, of one seed on each side); None with one seed.
        confidence: the level of the interval.
    """

    value: float
    low: float
    high: float
    p: float
    degrees_of_freedom: float
    image_variance: float
    seed_variance: float | None
    confidence: float


class CrossedEffects:
    """Estimates from groups that were scored on the same images.

    Args:
        samples: one a group, all with the same n images.
        confidence: level of the intervals, between 0 and 1.
    """

    def __init__(self, samples: Sequence[Sample], confidence: float = 0.95):
        self.samples = samples
        self.confidence = confidence
        influence = np.concatenate([sample.influence for sample in samples])
        n = influence.shape[1]
        covariance = influence @ influence.T / (n * (n - 1))
        ends = np.cumsum([0, *(len(sample.values) for sample in samples)])
        self._rows = [slice(*bounds) for bounds in pairwise(ends)]
        self._covariance = covariance

    def mean(self, group: int) -> Estimate:
        """The mean over a group's seeds."""
        sample = self.samples[group]
        return _estimate(
            float(np.mean(sample.values)), self._shared(group, group), [sample.values], self.confidence
        )

    def difference(self, group: int, other: int) -> Estimate:
        """Mean of ``group`` less mean of ``other``, paired by image."""
        first, second = self.samples[group], self.samples[other]
        shared = self._shared(group, group) + self._shared(other, other) - 2 * self._shared(group, other)
        value = float(np.mean(first.values) - np.mean(second.values))
        return _estimate(value, shared, [first.values, second.values], self.confidence)

    def _shared(self, group: int, other: int) -> float:
        """Mean covariance of two seeds' values through the images, over pairs of different seeds.

        Equal seeds are left out where there are others: their interaction with the images is shared,
        too, and belongs to the seeds' variance.
        """
        block = self._covariance[self._rows[group], self._rows[other]]
        seeds, others = (np.array(self.samples[index].seeds) for index in (group, other))
        different = seeds[:, None] != others[None, :]
        return float(np.mean(block[different] if different.any() else block))


def _estimate(value: float, shared: float, values: Sequence[np.ndarray], confidence: float) -> Estimate:
    """From the variance through shared images and the seeds' values of one or two groups."""
    shared = max(shared, 0.0)
    repeated = [(float(np.var(each, ddof=1)), len(each)) for each in values if len(each) > 1]
    of_seeds = sum(variance / seeds for variance, seeds in repeated)
    variance = shared + of_seeds
    degrees = _seed_degrees(repeated) * variance / of_seeds if of_seeds > 0 else np.inf
    width = special.stdtrit(degrees, (1 + confidence) / 2) * np.sqrt(variance)
    if variance > 0:
        p = 2 * special.stdtr(degrees, -abs(value) / np.sqrt(variance))
    else:
        p = 1.0 if value == 0 else 0.0
    return Estimate(
        value=value,
        low=float(value - width),
        high=float(value + width),
        p=float(p),
        degrees_of_freedom=float(degrees),
        image_variance=shared,
        seed_variance=float(sum(v for v, _ in repeated)) if len(repeated) == len(values) else None,
        confidence=confidence,
    )


def _seed_degrees(repeated: Sequence[tuple[float, int]]) -> float:
    """Degrees of freedom of a sum of variances of means, from (variance, number) of each.

    Welch's (1947, Biometrika 34, 28) own refinement of Satterthwaite's, within its possible range.
    """
    terms = [variance / seeds for variance, seeds in repeated]
    least, most = min(seeds for _, seeds in repeated) - 1, sum(seeds - 1 for _, seeds in repeated)
    spread = sum(term**2 / (seeds + 1) for term, (_, seeds) in zip(terms, repeated, strict=True))
    return float(np.clip(sum(terms) ** 2 / spread - 2, least, most))


def seeds_needed(estimate: Estimate, limit: float, groups: int = 1) -> int | None:
    """Roughly how many seeds (on each side) would put ``limit`` outside the interval.

    Takes the estimate and its variances as they stand.

    Args:
        estimate: one with a seed variance.
        limit: the value in question.
        groups: 2 for a difference.

    Returns:
        At most 1,000; None where more would be needed, or no number of seeds is enough, because
        the test images alone leave it open.
    """
    seeds = np.arange(2, MOST_SEEDS + 1)
    of_seeds = (estimate.seed_variance or 0.0) / seeds
    variance = estimate.image_variance + of_seeds
    degrees = groups * (seeds - 1) * variance / np.maximum(of_seeds, np.finfo(float).tiny)
    width = special.stdtrit(degrees, (1 + estimate.confidence) / 2) * np.sqrt(variance)
    enough = seeds[width < abs(estimate.value - limit)]
    return int(enough[0]) if len(enough) else None


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number (Holm 1979, Scand. J. Statist. 6, 65); order is kept."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(factors * np.array(p_values)[order]))
    return [float(p) for p in adjusted]


def mcnemar(first_right: np.ndarray, second_right: np.ndarray) -> float:
    """Two-sided exact p-value that two models are right equally often (McNemar 1947).

    Args:
        first_right: bool [n], where the first model's call is right.
        second_right: bool [n], the second's, on the same images.
    """
    only_first = int(np.sum(first_right & ~second_right))
    only_second = int(np.sum(~first_right & second_right))
    fewer, disagreements = min(only_first, only_second), only_first + only_second
    return min(1.0, 2 * float(special.bdtr(fewer, disagreements, 0.5)))
