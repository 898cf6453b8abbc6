"""The covariance of groups' means through the test images they share, from influence values."""

from collections.abc import Sequence

import numpy as np

from cifake.comparison.statistics.seed_noise import ROUNDING


def of_differences(covariance: np.ndarray) -> np.ndarray:
    """The variances of all differences [G, G] of variables with this covariance [G, G]; at least 0."""
    own = np.diag(covariance)[:, None] + np.diag(covariance)[None, :]
    variance = own - covariance - covariance.T
    return np.where(variance > ROUNDING * np.abs(own), variance, 0)


def image_covariance(
    influences: Sequence[np.ndarray], seeds: Sequence[Sequence[str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Mean covariance of two seeds' values through the images.

    Equal seeds are left out where there are others: their interaction with the images is shared,
    too, and belongs to the seeds' variance.

    Args:
        influences: one [R, n] a group, each image's influence on each seed's value.
        seeds: R names a group.

    Returns:
        - of each pair of groups, [G, G];
        - each group's mean variance of one seed's value through the images, [G].
    """
    sizes = np.array([len(each) for each in seeds])
    totals = np.array([each.sum(0) for each in influences])
    anyhow = totals @ totals.T
    equal, common = np.zeros((2, *anyhow.shape))  # of equal seeds
    for name in sorted({name for each in seeds for name in each}):
        having = [group for group, each in enumerate(seeds) if name in each]
        of_seed = np.array([influences[group][[*seeds[group]].index(name)] for group in having])
        equal[np.ix_(having, having)] += of_seed @ of_seed.T
        common[np.ix_(having, having)] += 1
    pairs, n = np.outer(sizes, sizes), totals.shape[1]
    apart = np.where(pairs > common, (anyhow - equal) / np.maximum(pairs - common, 1), anyhow / pairs)
    return apart / (n * (n - 1)), np.diag(equal) / sizes / (n * (n - 1))
