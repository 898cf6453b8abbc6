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
    influence = np.concatenate(influences)
    n = influence.shape[1]
    covariance = influence @ influence.T / (n * (n - 1))
    names = np.concatenate([np.asarray(each) for each in seeds])
    starts = np.cumsum([0, *sizes])[:-1]

    def sums(table: np.ndarray) -> np.ndarray:
        return np.add.reduceat(np.add.reduceat(table, starts, axis=0), starts, axis=1)

    different = (names[:, None] != names[None, :]).astype(float)
    counts = sums(different)
    apart, anyhow = sums(covariance * different), sums(covariance)
    alone = anyhow / (sizes[:, None] * sizes[None, :])
    own = np.add.reduceat(np.diag(covariance), starts) / sizes
    return np.where(counts > 0, apart / np.maximum(counts, 1), alone), own
