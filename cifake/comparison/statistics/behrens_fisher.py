"""p-values that hold far into the tail, where two variances add up and one rests on few seeds.

Comparisons made together are judged at levels such as 0.2 %. There, a t distribution with estimated
degrees of freedom fails with three seeds: where their variance comes out small by chance, it counts the
images alone, and is wrong four times as often as it says. The solution of Behrens (1929) and Fisher
(1935, Annals of Eugenics 6, 391) takes all values that the seeds' variance may have, s^2 v / chi^2_v;
it errs on the cautious side at every level (Robinson 1976, Annals of Statistics 4, 963).
"""

import numpy as np
from scipy import special

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_ROOTS = (_NODES + 1) / 2
_CHANCES = _ROOTS**4  # close together where chi^2 is near 0, which makes the tail
_SHARES = _WEIGHTS / 2 * 4 * _ROOTS**3
STEPS = 40  # of bisection


def p_value(
    differences: np.ndarray, images: np.ndarray, seeds: np.ndarray, degrees: np.ndarray
) -> np.ndarray:
    """Two-sided p-values that the true differences are 0.

    Args:
        differences: [m].
        images: [m], their variances through the images, known.
        seeds: [m], their estimated variances through the seeds.
        degrees: [m], the degrees of freedom of ``seeds``.

    Returns:
        [m]; 1 where there is neither difference nor variance.
    """
    return _tail(np.abs(differences), _errors(images, seeds, degrees))


def half_width(p: float, images: np.ndarray, seeds: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """The differences [m] that have this p-value: half the widths of intervals of level 1 - p."""
    errors = _errors(images, seeds, degrees)
    low = np.zeros(len(images))
    of_seeds = special.stdtrit(np.where(seeds > 0, degrees, 1.0), 1 - p / 2) * np.sqrt(seeds)
    high = 2 * (of_seeds - special.ndtri(p / 2) * np.sqrt(images))
    for _ in range(STEPS):
        middle = (low + high) / 2
        beyond = _tail(middle, errors) > p
        low, high = np.where(beyond, middle, low), np.where(beyond, high, middle)
    return np.asarray(high)


def _errors(images: np.ndarray, seeds: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Standard errors [m, nodes] with the values that the seeds' variance may have."""
    kinds, kind = np.unique(np.where(seeds > 0, degrees, 1.0), return_inverse=True)
    quantiles = 2 * special.gammaincinv(kinds[:, None] / 2, _CHANCES) / kinds[:, None]
    found: np.ndarray = np.sqrt(images[:, None] + seeds[:, None] / np.maximum(quantiles, 1e-300)[kind])
    return found


def _tail(differences: np.ndarray, errors: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        deviates = np.where(differences[:, None] == 0, 0, -differences[:, None] / errors)
    found: np.ndarray = 2 * special.ndtr(deviates) @ _SHARES
    return found
