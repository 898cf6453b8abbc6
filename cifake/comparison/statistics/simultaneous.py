"""Comparisons tested together: single-step max-t tests, and intervals that agree with them.

Hothorn, Bretz and Westfall 2008, Biometrical Journal 50, 346. All comparisons are judged at one level,
a quantile of the smallest p-value where no difference is real. Their degrees of freedom are unlike, so
each becomes the normal deviate z of the same p-value (see ``behrens_fisher``), and the largest |z| is
taken to be that of differences of normal means with a given covariance, drawn a fixed number of times
from a fixed seed.

The adjusted p-value of a comparison is the chance of a smallest p-value at most as large as its own; its
interval is the one of the common level. So an interval leaves out 0 exactly where the adjusted p-value is
at most 1 - confidence. Neither is larger than Bonferroni's.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy import special

from cifake.comparison.statistics.behrens_fisher import half_width, p_value
from cifake.comparison.statistics.crossed_effects import CrossedEffects, Estimate
from cifake.comparison.statistics.image_noise import of_differences

DRAWS = 20_000  # standard error of a level of 5 %: 0.15 %
MOST_DIFFERENCES = 40_000_000  # drawn in all, so that many comparisons get fewer draws
FEWEST_DRAWS = 2_000


def simultaneous(crossed: CrossedEffects, pairs: np.ndarray, chosen: bool = False) -> list[Estimate]:
    """Differences with the intervals and p-values that hold for all of them together.

    Args:
        crossed: the groups.
        pairs: int [m, 2], each a group and the one that is taken from it.
        chosen: whether they were chosen from all pairs by their values, as where the reference is
            today's best; they are then tested as some of all pairs.

    Returns:
        One a pair; its confidence is the level that its interval needs for that. The same models,
        which differ by exactly 0, are not a comparison.
    """
    own = [crossed.difference(first, second) for first, second in pairs]
    real = crossed.image_noise + crossed.seed_noise > 0
    family = pairs[real[tuple(pairs.T)]]
    comparisons = int(np.triu(real, 1).sum()) if chosen else len(family)
    if comparisons < 2:
        return own
    at = tuple(pairs.T)
    noise = crossed.image_noise[at], crossed.seed_noise[at], crossed.seed_degrees[at]
    p_values = p_value(np.array([estimate.value for estimate in own]), *noise)
    largest = largest_leads(crossed).max(axis=0) if chosen else largest_deviates(crossed.covariance, family)
    adjusted, level = adjust(p_values, largest, comparisons, crossed.confidence)
    return [
        replace(each, low=each.value - width, high=each.value + width, p=float(p), confidence=level)
        for each, width, p in zip(own, half_width(1 - level, *noise).tolist(), adjusted, strict=True)
    ]


def adjust(
    p_values: np.ndarray, largest: np.ndarray, comparisons: int, confidence: float = 0.95
) -> tuple[np.ndarray, float]:
    """Adjust p-values for the number of comparisons and for what they share.

    Args:
        p_values: [m], two-sided, of some comparisons of a family.
        largest: [draws], see ``largest_deviates`` of that family.
        comparisons: how many the family has.
        confidence: of all intervals together.

    Returns:
        The adjusted p-values [m], and the level of the single intervals that together have this
        confidence.
    """
    smallest = np.sort(2 * special.ndtr(-largest))  # p-values where no difference is real
    shares = np.searchsorted(smallest, p_values, side="right") / len(smallest)
    bonferroni = np.minimum(1, comparisons * p_values)
    adjusted = np.minimum(bonferroni, np.maximum(shares, 1 / len(smallest)))
    return adjusted, 1 - critical_p(smallest, comparisons, confidence)


def largest_deviates(covariance: np.ndarray, family: np.ndarray) -> np.ndarray:
    """The largest |z| of some comparisons, int [k, 2], of normal means [G] where none differs: [draws]."""
    draws, errors = _draw_means(covariance, len(family))
    largest = np.zeros(draws.shape[1])
    for first, second in family:
        np.maximum(largest, np.abs(draws[first] - draws[second]) / errors[first, second], out=largest)
    return largest


@lru_cache(maxsize=1)  # for the ranks and for a reference that is the best
def largest_leads(crossed: CrossedEffects) -> np.ndarray:
    """The largest z of another group's lead over each one, where no difference is real: [G, draws].

    Its maximum over the groups is the largest |z| of all pairs.
    """
    groups = len(crossed.means)
    draws, errors = _draw_means(crossed.covariance, groups * (groups - 1) // 2)
    leads = (((draws - own) / of_own[:, None]).max(axis=0) for own, of_own in zip(draws, errors, strict=True))
    return np.array([*leads])


def critical_p(smallest: np.ndarray, comparisons: int, confidence: float) -> float:
    """The p-value below which a comparison is significant; at least Bonferroni's.

    Args:
        smallest: [draws], the smallest p-value of each draw, in ascending order.
        comparisons: how many p-values it is the smallest of.
        confidence: 1 less the chance of any below it where no difference is real.
    """
    limit = 1 - confidence
    quantile = float(smallest[min(int(limit * len(smallest)), len(smallest) - 1)])
    return max(min(quantile, limit), limit / comparisons)  # no more than of one comparison


def _draw_means(covariance: np.ndarray, comparisons: int) -> tuple[np.ndarray, np.ndarray]:
    """Normal means with this covariance [G, G], around 0: [G, draws], the same at every call.

    And the standard errors of their differences [G, G], infinite where two do not differ: those of the same
    models, a group and itself among them.
    """
    draws = int(np.clip(MOST_DIFFERENCES // max(comparisons, 1), FEWEST_DRAWS, DRAWS))
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))  # an estimate may be slightly indefinite
    errors = np.sqrt(of_differences(covariance))
    return root @ _normal_deviates(len(covariance), draws), np.where(errors > 0, errors, np.inf)


@lru_cache(maxsize=1)
def _normal_deviates(groups: int, draws: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((groups, draws))
