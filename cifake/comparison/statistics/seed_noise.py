"""The variance of a difference of two means over seeds, paired by the seeds that both groups have.

Runs of two variants that share a seed share initial weights and the order of images, so their values
vary together (common random numbers: Glasserman and Yao 1992, Management Science 38, 884). With k common
seeds among the R_a and R_b of two groups, the difference of the means is a sum of independent parts,

    over the common seeds of u = y_a / R_a - y_b / R_b, over the others of y_a / R_a, and of y_b / R_b,

with variance k s_u^2 + (R_a - k) s_a^2 / R_a^2 + (R_b - k) s_b^2 / R_b^2. The common seeds give s_u^2,
all of a group's seeds give s_a^2 and s_b^2. The degrees of freedom are Satterthwaite's (1946, Biometrics
Bulletin 2, 110), with the covariances of the three sample variances, and at least those of the smaller
group. With all seeds in common this is the paired t-test; with none it is Welch's, with his own refined
degrees of freedom (1947, Biometrika 34, 28). One common seed shows no covariance, and counts as none. So
the seeds decide what is paired, never their values.
"""

import numpy as np

ROUNDING = 1e-12  # a variance below this share of its parts is 0


def seed_noise(values: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Variances of the differences of all pairs of groups.

    Args:
        values: [..., G, S], the metric of each group and seed; ignored where there is none.
        present: bool [G, S], where there is one.

    Returns:
        - the variance of the difference of two groups' means, [..., G, G];
        - its degrees of freedom, [..., G, G]; infinite where the variance is 0;
        - the covariance of two groups' values over their common seeds, [..., G, G], with the variance
          of a group's values on the diagonal; 0 with fewer than two seeds.
    """
    mask = present.astype(float)
    seeds, common = mask.sum(1), mask @ mask.T
    paired = np.where(common > 1, common, 0)
    centred = np.where(present, values, 0)
    centred = (centred - centred.sum(-1, keepdims=True) / seeds[:, None]) * mask
    sums = centred @ mask.T  # of the first group's values over the common seeds
    usable, freedom = (paired > 0) / np.maximum(common, 1), np.maximum(common - 1, 1)
    of_first = (centred**2 @ mask.T * common - sums**2) * usable / freedom
    products = centred @ np.swapaxes(centred, -1, -2) * common
    covariance = (products - sums * np.swapaxes(sums, -1, -2)) * usable / freedom
    return *_difference(seeds, paired, of_first, covariance), covariance


def _difference(
    seeds: np.ndarray, paired: np.ndarray, of_first: np.ndarray, covariance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Variance and degrees of freedom, from moments over the common seeds, each [..., G, G]."""
    first, second = seeds[:, None], seeds[None, :]
    of_second, own = np.swapaxes(of_first, -1, -2), np.diagonal(covariance, axis1=-2, axis2=-1)
    parts = paired * (of_first / first**2 + of_second / second**2)
    both = parts - paired * 2 * covariance / (first * second)
    both = np.where(both > ROUNDING * parts, both, 0)
    weight_first, weight_second = (first - paired) / first**2, (second - paired) / second**2
    alone_first, alone_second = weight_first * own[..., :, None], weight_second * own[..., None, :]
    variance = both + alone_first + alone_second
    # Half the variance of this estimate: squares, then products of parts that share seeds.
    refined = 2 * (paired == 0)
    of_pairs, of_a, of_b = (np.maximum(each - 1, 1) + refined for each in (paired, first, second))
    to_first, to_second = of_first / first - covariance / second, covariance / first - of_second / second
    spread = both**2 / of_pairs + alone_first**2 / of_a + alone_second**2 / of_b
    spread = spread + 2 * paired * weight_first * to_first**2 / of_a
    spread = spread + 2 * paired * weight_second * to_second**2 / of_b
    spread = spread + 2 * weight_first * weight_second * covariance**2 * of_pairs / (of_a * of_b)
    repeated = np.where(seeds > 1, seeds - 1, np.inf)
    least = np.minimum(repeated[:, None], repeated[None, :])
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = np.clip(variance**2 / spread - refined, least, first + second - 2)
    return variance, np.where(spread > 0, degrees, np.inf)
