"""Tests of a comparison that need no influence values."""

from collections.abc import Sequence

import numpy as np
from scipy import special


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values [m] for their number (Holm 1979, Scand. J. Statist. 6, 65); order is kept."""
    order = np.argsort(p_values, kind="stable")
    factors = np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(factors * np.array(p_values)[order]))
    return [float(p) for p in adjusted]


def mcnemar(first_right: np.ndarray, second_right: np.ndarray) -> float:
    """Two-sided exact p-value that two models are right equally often (McNemar 1947).

    Takes, bool [n] each, where their calls are right on the same images.
    """
    only_first = int(np.sum(first_right & ~second_right))
    only_second = int(np.sum(~first_right & second_right))
    fewer, disagreements = min(only_first, only_second), only_first + only_second
    return min(1.0, 2 * float(special.bdtr(fewer, disagreements, 0.5)))
