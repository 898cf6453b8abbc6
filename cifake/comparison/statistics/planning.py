"""What a comparison says, what it could have shown, and what more seeds would show."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from cifake.comparison.statistics.behrens_fisher import half_width
from cifake.comparison.statistics.crossed_effects import CrossedEffects, Estimate, add_variances

MOST_SEEDS = 1000
BETTER, WORSE, EQUIVALENT, CANNOT_TELL = "better", "worse", "equivalent", "cannot tell"


def verdict(estimate: Estimate, higher_is_better: bool = True, margin: float = 0.0) -> str:
    """What the interval of a difference says: better, worse, equivalent or cannot tell.

    A difference whose whole interval is within the margin is equivalent, even where it leaves out 0
    (two one-sided tests: Schuirmann 1987, J. Pharmacokin. Biopharm. 15, 657). Without a margin, only
    the same models, which differ by exactly 0, are.
    """
    low, high = estimate.low, estimate.high
    if -margin <= low and high <= margin:
        return EQUIVALENT
    if low <= 0 <= high:
        return CANNOT_TELL
    return BETTER if (low > 0) == higher_is_better else WORSE


def smallest_visible(estimate: Estimate, power: float = 0.8) -> float:
    """The smallest true difference that these seeds and images call different with this power.

    The noncentral t distribution at the estimate's standard error, degrees of freedom and width.
    """
    error, degrees = estimate.standard_error, estimate.degrees_of_freedom
    if error == 0:
        return 0.0
    width = max(estimate.high - estimate.value, estimate.value - estimate.low)  # one end may be clipped
    critical = width / error
    if np.isinf(degrees):
        return float((critical + special.ndtri(power)) * error)
    return float(special.nctdtrinc(degrees, 1 - power, critical) * error)


def seeds_needed(estimate: Estimate, limit: float, together: bool = False) -> int | None:
    """Roughly how many seeds (on each side) would put ``limit`` outside the interval.

    Takes the estimate and its variances as they stand.

    Args:
        estimate: one with a seed variance.
        limit: the value in question.
        together: whether the interval is one of several comparisons, see ``behrens_fisher``.

    Returns:
        At most 1,000; None where more would be needed, or no number of seeds is enough, because
        the test images alone leave it open.
    """
    seeds = np.arange(2, MOST_SEEDS + 1)
    of_seeds = (estimate.seed_variance or 0.0) / seeds
    degrees = estimate.seed_sets * (seeds - 1)
    if together:
        images = np.full(len(seeds), estimate.image_variance)
        width = half_width(1 - estimate.confidence, images, of_seeds, degrees)
    else:
        variance, degrees = add_variances(estimate.image_variance, of_seeds, degrees)
        width = special.stdtrit(degrees, (1 + estimate.confidence) / 2) * np.sqrt(variance)
    enough = seeds[width < abs(estimate.value - limit)]
    return int(enough[0]) if len(enough) else None


@dataclass(frozen=True)
class NoiseSources:
    """Where the variance of a metric comes from, as if one seed were scored once (Bouthillier et al. 2021).

    Attributes:
        images: share of the test images: what all seeds find hard alike.
        seeds: share of the seeds: what moves a model's metric on all images.
        both: share of images that one seed finds harder than another.
        standard_error: of the mean over the seeds there are.
        with_one_more_seed: of the mean over one seed more.
        with_any_number: of the mean over ever so many seeds.
    """

    images: float
    seeds: float
    both: float
    standard_error: float
    with_one_more_seed: float
    with_any_number: float


def noise_sources(crossed: CrossedEffects, group: int) -> NoiseSources | None:
    """The sources of a group's noise; None with one seed.

    The components of a two-way analysis of variance with random effects: images c / v, both
    (d - c) / v, seeds (s^2 - d + c) / v; d is the variance of one seed's metric through the images,
    c and s^2 as in ``crossed_effects``; negative ones count as 0, and v is their sum.
    """
    seeds = int(crossed.seeds[group])
    if seeds < 2:
        return None
    images = max(float(crossed.image_covariance[group, group]), 0.0)
    of_seeds = float(crossed.seed_covariance[group, group])
    both = max(float(crossed.one_seed_variance[group]) - images, 0.0)
    alone = max(of_seeds - both, 0.0)
    total = (images + both + alone) or 1.0
    now, then = (float(np.sqrt(images + of_seeds / number)) for number in (seeds, seeds + 1))
    return NoiseSources(images / total, alone / total, both / total, now, then, float(np.sqrt(images)))
