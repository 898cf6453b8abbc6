"""Groups of runs with a known truth: do intervals cover it, and do equal groups pass as equal?

``World`` draws scores, the logits of a probit model: quality + seed effect + image effect + interaction,
so that the true mean of each metric is known in closed form. ``draw_values`` draws the metric's values
alone, normal and with a known covariance through the images, thousands of times at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.special import ndtr, stdtrit

from cifake.comparison.statistics.behrens_fisher import p_value
from cifake.comparison.statistics.crossed_effects import CrossedEffects, Estimate, Sample, add_variances
from cifake.comparison.statistics.image_noise import of_differences
from cifake.comparison.statistics.influence import INFLUENCE
from cifake.comparison.statistics.seed_noise import seed_noise
from cifake.comparison.statistics.sequential import FUTILE, chance_of_telling, look_levels
from cifake.comparison.statistics.simultaneous import adjust, largest_deviates

IMAGES = 1000
IMAGE_SHARE = 0.7  # of a score's variance that all seeds and groups have in common
QUALITIES, WEIGHTS = np.polynomial.hermite_e.hermegauss(31)  # of the expectation over seed effects


@dataclass(frozen=True)
class Design:
    """Which seeds the groups have, and how noisy these are.

    Attributes:
        seeds: of each group.
        noise: standard deviation of seed effects, in those of image sampling.
        common: how many of the seeds all groups have.
        correlation: of two groups' effects of the same seed.
        ratio: of the noise of every second group to that of the others.
    """

    seeds: int
    noise: float
    common: int = 0
    correlation: float = 0.0
    ratio: float = 1.0

    def names(self, group: int) -> list[str]:
        """Of a group's seeds."""
        return [str(s) if s < self.common else f"{group}/{s}" for s in range(self.seeds)]

    def present(self, groups: int) -> np.ndarray:
        """Which group has which seed: bool [groups, S], common ones first."""
        own = self.seeds - self.common
        rows = np.repeat(np.eye(groups, dtype=bool), own, axis=1)
        return np.concatenate([np.full((groups, self.common), True), rows], axis=1)

    def noises(self, groups: int) -> np.ndarray:
        """Each group's noise: [groups]."""
        return self.noise * np.where(np.arange(groups) % 2, self.ratio, 1.0)

    def effects(self, rng: np.random.Generator, groups: int, shape: tuple[int, ...] = ()) -> np.ndarray:
        """Standard normal seed effects [groups, seeds, *shape], correlated over common seeds."""
        own = rng.normal(size=(groups, self.seeds, *shape))
        shared = rng.normal(size=(self.common, *shape))
        part = own[:, : self.common]
        own[:, : self.common] = np.sqrt(self.correlation) * shared + np.sqrt(1 - self.correlation) * part
        return own


@dataclass(frozen=True)
class World:
    """A truth to draw groups' scores from.

    Attributes:
        metric: accuracy, f1 or roc_auc.
        design: seeds and their effects on the accuracy.
        images: test images.
    """

    metric: str
    design: Design
    images: int = IMAGES

    def truth(self, quality: float, group: int = 0) -> float:
        """The metric's expectation over seeds, of a model whose margins have this mean."""
        at = quality + self._seed_deviation(quality, group) * QUALITIES
        # Classes are symmetric, so F1 is the accuracy; ROC AUC compares two margins.
        values = ndtr(np.sqrt(2) * at if self.metric == "roc_auc" else at)
        return float(np.sum(values * WEIGHTS) / np.sum(WEIGHTS))

    def _seed_deviation(self, quality: float, group: int) -> float:
        accuracy = ndtr(quality)
        density = np.exp(-(quality**2) / 2) / np.sqrt(2 * np.pi)
        of_images = np.sqrt(accuracy * (1 - accuracy) / self.images)
        return float(self.design.noises(group + 1)[group] * of_images / density)

    def draw(self, rng: np.random.Generator, qualities: tuple[float, ...]) -> list[Sample]:
        """Groups of these qualities on the same images."""
        labels = rng.integers(0, 2, self.images)
        shared = np.sqrt(IMAGE_SHARE) * rng.normal(size=self.images)
        groups = len(qualities)
        of_seeds = self.design.effects(rng, groups, (1,))
        own = np.sqrt(1 - IMAGE_SHARE) * self.design.effects(rng, groups, (self.images,))
        samples = []
        for group, quality in enumerate(qualities):
            center = quality + self._seed_deviation(quality, group) * of_seeds[group]
            scores = ndtr((2 * labels - 1) * center + shared + own[group])
            pairs = [INFLUENCE[self.metric](labels, of_one) for of_one in scores]
            values, influence = (np.array(each) for each in zip(*pairs, strict=True))
            samples.append(Sample(values, influence, self.design.names(group)))
        return samples


def rates(world: World, repetitions: int, seed: int = 0) -> dict[str, float]:
    """Shares of repetitions: false alarms at 5 %, and coverage of nominal 95 % intervals."""
    rng = np.random.default_rng(seed)
    good, worse = 0.9, 0.8
    mean, equal = world.truth(good), world.truth(good) - world.truth(good, 1)
    difference = world.truth(good, 1) - world.truth(worse, 2)
    counts = np.zeros(4)
    for _ in range(repetitions):
        crossed = CrossedEffects(world.draw(rng, (good, good, worse)))
        of_mean, none, apart = crossed.mean(0), crossed.difference(0, 1), crossed.difference(1, 2)
        counts += (
            not none.low <= equal <= none.high,
            of_mean.low <= mean <= of_mean.high,
            apart.low <= difference <= apart.high,
            abs(of_mean.value - mean) <= _satterthwaite(of_mean, world.design.seeds),
        )
    names = ("false alarms", "coverage of a mean", "coverage of a difference", "Satterthwaite's of a mean")
    return dict(zip(names, counts / repetitions, strict=True))


def draw_values(
    design: Design, groups: int, repetitions: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Equal groups' values, normal, with image effects of variance 1 that correlate by IMAGE_SHARE.

    Returns:
        Values [repetitions, groups, S], which are present [groups, S], the image covariance of the
        groups [groups, groups], and each repetition's image effects [repetitions, groups], which are
        part of the values.
    """
    present = design.present(groups)
    shared = rng.normal(size=(repetitions, 1))
    images = np.sqrt(IMAGE_SHARE) * shared + np.sqrt(1 - IMAGE_SHARE) * rng.normal(size=(repetitions, groups))
    effects = np.moveaxis(design.effects(rng, groups, (repetitions,)), -1, 0)
    values = np.zeros((repetitions, *present.shape))
    values[:, present] = (design.noises(groups)[:, None] * effects).reshape(repetitions, -1)
    covariance = np.full((groups, groups), IMAGE_SHARE) + (1 - IMAGE_SHARE) * np.eye(groups)
    return values + images[..., None], present, covariance, images


def normal_rates(design: Design, repetitions: int, seed: int = 0) -> tuple[float, float]:
    """False alarms of two equal groups at 5 %, and the median width by that without pairing.

    Without: the same seeds taken as if they were different.
    """
    values, present, covariance, _ = draw_values(design, 2, repetitions, np.random.default_rng(seed))
    difference = np.subtract(*((values * present).sum(-1) / design.seeds).T)
    widths = []
    for way in (present, Design(design.seeds, 0).present(2)):
        spread = np.zeros((repetitions, *way.shape))
        spread[:, way] = values[:, present]
        noise, degrees, _ = seed_noise(spread, way)
        images = np.broadcast_to(of_differences(covariance), noise.shape)
        variance, degrees = add_variances(images, noise, degrees)
        widths.append((stdtrit(degrees, 0.975) * np.sqrt(variance))[:, 0, 1])
    return float(np.mean(np.abs(difference) > widths[0])), float(np.median(widths[0]) / np.median(widths[1]))


def _satterthwaite(estimate: Estimate, seeds: int) -> float:
    """Half the width of the interval that we do not use, for comparison."""
    of_seeds = (estimate.seed_variance or 0.0) / seeds
    variance = estimate.image_variance + of_seeds
    degrees = (seeds - 1) * (variance / of_seeds) ** 2 if of_seeds else np.inf
    return float(stdtrit(degrees, 0.975) * np.sqrt(variance))


def any_false_call(
    design: Design, groups: int, repetitions: int, against: str = "first", seed: int = 0
) -> float:
    """Chance that any of some equal groups is called different at 5 %, adjusted.

    Args:
        design: seeds of each group.
        groups: how many.
        repetitions: how many times.
        against: ``first`` compares all others with the first; ``best`` with today's best; ``all`` is
            all pairs.
        seed: of the random numbers.
    """
    values, present, images, _ = draw_values(design, groups, repetitions, np.random.default_rng(seed))
    means = (values * present).sum(-1) / design.seeds
    noise, degrees, seed_covariance = seed_noise(values, present)
    image_noise = np.broadcast_to(of_differences(images), noise.shape)
    pairs = np.array(list(combinations(range(groups), 2)))
    calls = 0
    for place in range(repetitions):
        best = int(means[place].argmax())
        tested, family = {
            "first": (pairs[: groups - 1], pairs[: groups - 1]),
            "best": (np.array([(best, other) for other in range(groups) if other != best]), pairs),
            "all": (pairs, pairs),
        }[against]
        at = (place, *tested.T)
        lead = means[place, tested[:, 0]] - means[place, tested[:, 1]]
        p_values = p_value(lead, image_noise[at], noise[at], degrees[at])
        covariance = images + np.diag(np.diag(seed_covariance[place]) / design.seeds)
        adjusted, _ = adjust(p_values, largest_deviates(covariance, family), len(family))
        calls += adjusted.min() <= 0.05
    return calls / repetitions


def looking(
    design: Design, looks: Sequence[int], repetitions: int, difference: float = 0.0, seed: int = 0
) -> tuple[float, float]:
    """How often two groups are called different at any look, and at how many seeds it ends on average.

    Args:
        design: its seeds are those of the last look, all common or none.
        looks: numbers of seeds at which to look.
        repetitions: how many times.
        difference: of the groups, in standard deviations of a test set's noise.
        seed: of the random numbers.
    """
    values, present, images, _ = draw_values(design, 2, repetitions, np.random.default_rng(seed))
    order = (present.cumsum(1) - 1) * present  # of each group's seeds
    called, open_ = np.zeros(repetitions, bool), np.full(repetitions, True)
    seeds, levels, sets = np.full(repetitions, looks[-1]), look_levels(looks), 1 if design.common else 2
    of_images = of_differences(images)[0, 1]
    for number, level in zip(looks, levels, strict=True):
        seen = present & (order < number)
        columns = seen.any(0)
        of_look, there = values[..., columns], seen[:, columns]
        lead = difference + np.subtract(*((of_look * there).sum(-1) / number).T)
        noise, degrees, _ = seed_noise(of_look, there)
        variance, degrees = add_variances(of_images, noise[:, 0, 1], degrees[:, 0, 1])
        now = open_ & (np.abs(lead) > stdtrit(degrees, (1 + level) / 2) * np.sqrt(variance))
        of_seed = number * noise[:, 0, 1]
        chances = chance_of_telling(lead, of_images, of_seed, sets, number, looks[-1], levels[-1])
        ends = open_ & (now | (chances < FUTILE))
        seeds[ends] = number
        called |= now
        open_ &= ~ends
    return float(called.mean()), float(seeds.mean())
