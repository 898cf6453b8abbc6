"""Looking several times while seeds are added: boundaries that keep the chance of a false alarm.

Alpha spending (Lan and DeMets 1983, Biometrika 70, 659): the chance of a false alarm up to the fraction
t of all seeds is a(t) = 4 - 4 Phi(z / sqrt(t)), with Phi(z) = 1 - alpha / 4, which has the shape of
O'Brien and Fleming (1979, Biometrics 35, 549): hard to cross early, nearly alpha at the end. A look's
boundary is that of a normal deviate that has its share of the chance, given that no look before crossed;
it becomes the level of the look's own t interval (Pocock 1977, Biometrika 64, 191). These intervals hold
at all looks together (repeated confidence intervals: Jennison and Turnbull 1989, J. R. Statist. Soc. B
51, 305), so the first that leaves out 0 decides, and is the one to report.

Looking also shows that more seeds would be in vain: where those so far predict a chance of at most FUTILE
that the last look tells anything (predictive power: Spiegelhalter, Freedman and Blackburn 1986, Controlled
Clinical Trials 7, 8). To stop there can only make false alarms fewer.

The fraction is that of the planned seeds. Test images stay the same at all looks, so that looks are more
alike than this supposes, and false alarms at most as many.
"""

from collections.abc import Sequence

import numpy as np
from scipy import optimize, special

from cifake.comparison.statistics.crossed_effects import add_variances

FUTILE = 0.02
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)  # of integrals over what has not crossed
NEVER = 40.0  # standard deviations
Paths = tuple[np.ndarray, np.ndarray]  # where paths that have not crossed are, and their mass
START: Paths = np.zeros(1), np.ones(1)


def look_levels(looks: Sequence[int], confidence: float = 0.95) -> np.ndarray:
    """The level of each look's own interval, so that all together have this confidence.

    Args:
        looks: numbers of seeds at which to look, ascending; the last is the most there will be.
        confidence: of all intervals together.

    Returns:
        [looks], for ``CrossedEffects.difference(group, other, level)``.
    """
    fractions = np.asarray(looks, float) / looks[-1]
    levels: np.ndarray = 2 * special.ndtr(boundaries(fractions, 1 - confidence)) - 1
    return levels


def chance_of_telling(
    distance: np.ndarray | float,
    image_variance: np.ndarray | float,
    seed_variance: np.ndarray | float,
    seed_sets: int,
    seeds: int,
    most: int,
    level: float,
) -> np.ndarray:
    """Predicted chance that the interval at the last look leaves out a limit.

    Args:
        distance: [...], of the estimate now from the limit.
        image_variance: [...], which more seeds do not reduce.
        seed_variance: [...], of one seed (for a difference, of one on each side).
        seed_sets: 2 for a difference of groups that are not paired by seed, otherwise 1.
        seeds: there are now.
        most: at the last look.
        level: of the interval there.
    """
    variance, degrees = add_variances(
        image_variance, np.asarray(seed_variance) / most, np.asarray(seed_sets * (most - 1))
    )
    width = special.stdtrit(degrees, (1 + level) / 2) * np.sqrt(variance)
    spread = np.sqrt(seed_variance * (1 / seeds - 1 / most))  # of the last estimate around that of now
    with np.errstate(divide="ignore", invalid="ignore"):
        beyond = [(side * np.abs(distance) - width) / spread for side in (1, -1)]
    return np.asarray(sum(special.stdtr(seed_sets * (seeds - 1), np.nan_to_num(each)) for each in beyond))


def boundaries(fractions: np.ndarray, alpha: float = 0.05) -> np.ndarray:
    """Two-sided boundaries for normal deviates.

    Integrates Brownian motion from look to look (Armitage, McPherson and Rowe 1969, J. R. Statist. Soc.
    A 132, 235).

    Args:
        fractions: [K], of the information at each look, ascending to at most 1.
        alpha: chance of crossing any where there is no difference.

    Returns:
        [K], above 0.
    """
    spent = 4 * special.ndtr(special.ndtri(alpha / 4) / np.sqrt(fractions))
    steps, shares = np.sqrt(np.diff(fractions, prepend=0.0)), np.diff(spent, prepend=0.0)
    paths, found = START, []
    for root, step, share in zip(np.sqrt(fractions), steps, shares, strict=True):
        z = optimize.brentq(_excess, 0.0, NEVER, (paths, step, root, share))
        paths = _remaining(paths, step, z * root)
        found.append(z)
    return np.array(found)


def _excess(z: float, paths: Paths, step: float, root: float, share: float) -> float:
    """By how much the chance of crossing a boundary exceeds a share."""
    return _crossing(paths, step, z * root) - share


def _crossing(paths: Paths, step: float, bound: float) -> float:
    """Chance that a path that has not crossed does so at the next look."""
    points, mass = paths
    outside = special.ndtr((points - bound) / step) + special.ndtr((-bound - points) / step)
    return float(mass @ outside)


def _remaining(paths: Paths, step: float, bound: float) -> Paths:
    """The paths that do not."""
    points, mass = paths
    reached = bound * NODES
    moves = (reached[:, None] - points[None, :]) / step
    density = np.exp(-(moves**2) / 2) / (step * np.sqrt(2 * np.pi))
    return reached, bound * WEIGHTS * (density @ mass)
