"""What each image adds to a metric: the metric's value and its influence values.

The influence of image i is the derivative of the metric with respect to that image's weight, times
n; it has mean 0. The mean square of these values over n is the variance that resampling images
would give (the infinitesimal jackknife: Jaeckel 1972; Efron 1982, "The jackknife, the bootstrap
and other resampling plans"), without resampling, and two models' values on the same images give the
covariance that a paired test needs. Functions take labels int [n] (1 is FAKE) and scores float [n],
with both classes present, and return (value, influence [n]).
"""

from collections.abc import Callable

import numpy as np
from scipy import special

from cifake.evaluation.metrics import ECE_BINS, decide

Influence = tuple[float, np.ndarray]
InfluenceFunction = Callable[[np.ndarray, np.ndarray], Influence]


def accuracy(labels: np.ndarray, scores: np.ndarray) -> Influence:
    """Of the share of right calls."""
    return _mean(decide(scores) == labels)


def precision(labels: np.ndarray, scores: np.ndarray) -> Influence:
    """Of the share of FAKE calls that are right."""
    calls = decide(scores)
    return _ratio(calls * labels, calls)


def recall(labels: np.ndarray, scores: np.ndarray) -> Influence:
    """Of the share of FAKE images called FAKE."""
    return _ratio(decide(scores) * labels, labels)


def f1(labels: np.ndarray, scores: np.ndarray) -> Influence:
    """Of F1 as a ratio of means: twice the hits by calls plus FAKE images."""
    calls = decide(scores)
    return _ratio(2 * calls * labels, calls + labels)


def mcc(labels: np.ndarray, scores: np.ndarray) -> Influence:
    """Of the correlation of labels and calls (Devlin, Gnanadesikan and Kettenring 1975)."""
    calls = decide(scores)
    if calls.min() == calls.max():
        return 0.0, np.zeros(len(labels))
    first = (labels - labels.mean()) / labels.std()
    second = (calls - calls.mean()) / calls.std()
    value = float(np.mean(first * second))
    return value, first * second - value * (first**2 + second**2) / 2


def loss(labels: np.ndarray, scores: np.ndarray) -> Influence:
    """Of the mean binary cross-entropy."""
    smallest = np.finfo(float).eps
    of_label = np.where(labels == 1, scores, 1 - scores.astype(float))
    return _mean(-np.log(np.clip(of_label, smallest, 1 - smallest)))


def brier(labels: np.ndarray, scores: np.ndarray) -> Influence:
    """Of the mean squared distance of score and label."""
    return _mean((scores.astype(float) - labels) ** 2)


def ece(labels: np.ndarray, scores: np.ndarray) -> Influence:
    """Of the calibration error: an image pulls its bin's gap up or down.

    Where a bin's gap is within its noise, its sign is chance, and the variance comes out too large.
    """
    bins = np.minimum((scores * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = scores.astype(float) - labels
    return _mean(np.sign(np.bincount(bins, gaps, minlength=ECE_BINS))[bins] * gaps)


def ece_bias(labels: np.ndarray, scores: np.ndarray) -> float:
    """How much noise may add to the calibration error, at most, which is never below 0.

    A bin's |N(gap, noise)| is larger on average than |gap|, the more so the smaller the gap; taken here
    are the smallest gaps within two standard errors of those seen. Of a calibrated model it is all there
    is (debiasing: Sun et al. 2024, arXiv 2408.08998, for the squared error).
    """
    n = len(labels)
    bins = np.minimum((scores * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = scores.astype(float) - labels
    means, squares = (np.bincount(bins, each, minlength=ECE_BINS) / n for each in (gaps, gaps**2))
    errors = np.sqrt(np.maximum(squares - means**2, np.finfo(float).tiny) / n)
    least = np.maximum(np.abs(means) / errors - 2, 0)
    excess = np.sqrt(2 / np.pi) * np.exp(-(least**2) / 2) - 2 * least * special.ndtr(-least)
    return float(np.sum(errors * excess))


def roc_auc(labels: np.ndarray, scores: np.ndarray) -> Influence:
    """Of the area under the ROC curve: DeLong's structural components (DeLong et al. 1988)."""
    _, place = np.unique(scores, return_inverse=True)  # equal scores share a place
    fakes, reals = np.bincount(place, labels), np.bincount(place, 1 - labels)
    reals_below = (np.cumsum(reals) - reals / 2) / reals.sum()
    fakes_above = (fakes.sum() - np.cumsum(fakes) + fakes / 2) / fakes.sum()
    component = np.where(labels == 1, reals_below[place], fakes_above[place])
    value = float(np.mean(component[labels == 1]))
    return value, (component - value) / np.where(labels == 1, labels.mean(), 1 - labels.mean())


def average_precision(labels: np.ndarray, scores: np.ndarray) -> Influence:
    """Of the mean, over FAKE images, of the precision among images that score no lower."""
    _, place = np.unique(scores, return_inverse=True)  # equal scores share a place
    fakes = np.bincount(place, labels)
    images_above = np.cumsum(np.bincount(place)[::-1])[::-1]
    precisions = np.cumsum(fakes[::-1])[::-1] / images_above
    value = float(np.sum(fakes * precisions) / fakes.sum())
    # A weight on an image changes its own term, and the precision at every score up to its own.
    hit = np.cumsum(fakes / images_above)[place]
    miss = np.cumsum(fakes * precisions / images_above)[place]
    own = labels * (precisions[place] - value)
    return value, (own + labels * hit - miss) / labels.mean()


def _mean(terms: np.ndarray) -> Influence:
    value = float(np.mean(terms))
    return value, terms - value


def _ratio(above: np.ndarray, below: np.ndarray) -> Influence:
    """Of a ratio of means; 0 without influence where the lower mean is 0, as scikit-learn has it."""
    if not below.any():
        return 0.0, np.zeros(len(below))
    value = float(above.sum() / below.sum())
    return value, (above - value * below) / below.mean()


INFLUENCE: dict[str, InfluenceFunction] = {
    function.__name__: function
    for function in (accuracy, precision, recall, f1, mcc, loss, brier, ece, roc_auc, average_precision)
}
