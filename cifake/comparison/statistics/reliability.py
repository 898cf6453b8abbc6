"""Reliability curves: the share of FAKE among images with about the same score, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from cifake.comparison.statistics.crossed_effects import CrossedEffects, Sample
from cifake.evaluation.metrics import ECE_BINS


@dataclass(frozen=True)
class Bin:
    """Images whose scores lie within a fifteenth of each other.

    Attributes:
        score: the mean over images and seeds.
        share: that is FAKE, mean over seeds.
        low: lower end of its interval over seeds and images.
        high: upper end.
    """

    score: float
    share: float
    low: float
    high: float


def reliability(labels: np.ndarray, scores: Mapping[str, np.ndarray], confidence: float = 0.95) -> list[Bin]:
    """The bins of the calibration error that hold any image.

    Each share is a ratio of two means over images, whose influence values give its variance v over images and
    seeds (see ``crossed_effects``). The interval is Wilson's (1927, J. Amer. Statist. Assoc. 22, 209) for a
    share of p (1 - p) / v independent images, which stays within 0 and 1, and has a width where all images
    of a bin have one label.

    Args:
        labels: int [n], 1 is FAKE.
        scores: [n] by seed.
        confidence: of each bin's interval alone.
    """
    fakes = labels.astype(float)  # sums of int8 would overflow
    found = []
    for number in range(ECE_BINS):
        there = {
            seed: inside
            for seed, of_seed in scores.items()
            if (inside := np.minimum((of_seed * ECE_BINS).astype(int), ECE_BINS - 1) == number).any()
        }
        if not there:
            continue
        masks = np.array(list(there.values()))
        shares = masks @ fakes / masks.sum(1)
        influence = masks * (fakes - shares[:, None]) / masks.mean(1, keepdims=True)
        estimate = CrossedEffects([Sample(shares, influence, list(there))], confidence).mean(0)
        share, variance = estimate.value, estimate.standard_error**2
        images = masks.sum(1).mean()
        if variance > 0:
            images = min(share * (1 - share) / variance, masks.sum())
        low, high = wilson(share, images, estimate.degrees_of_freedom, confidence)
        score = np.mean([scores[seed][inside].mean() for seed, inside in there.items()])
        found.append(Bin(float(score), share, low, high))
    return found


def wilson(share: float, n: float, degrees: float, confidence: float) -> tuple[float, float]:
    """The interval of a share of n independent images, with the quantile of a t distribution."""
    squared = special.stdtrit(degrees, (1 + confidence) / 2) ** 2 / n
    middle = (share + squared / 2) / (1 + squared)
    half = np.sqrt(squared * share * (1 - share) + squared**2 / 4) / (1 + squared)
    return float(max(middle - half, 0.0)), float(min(middle + half, 1.0))
