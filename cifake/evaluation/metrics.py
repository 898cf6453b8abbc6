"""Metrics of predictions by name. Titles and directions are declared in ``cifake.contract``.

The positive class is FAKE. Functions take labels, int [n] with 1 for FAKE, and scores, float [n], the
probability of FAKE; metrics of predicted classes count a score of at least 0.5 as FAKE. scikit-learn is
imported only when a metric is computed, since its import is slow.
"""

from collections.abc import Callable

import numpy as np

from cifake.contract import THRESHOLD

ECE_BINS = 15
MetricFunction = Callable[[np.ndarray, np.ndarray], float]


def decide(scores: np.ndarray) -> np.ndarray:
    """Predicted classes: int8 [n], 1 (FAKE) for scores of at least 0.5."""
    return (scores >= THRESHOLD).astype(np.int8)


def accuracy(labels: np.ndarray, scores: np.ndarray) -> float:
    """Share of correct predictions."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(labels, decide(scores)))


def precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Share of FAKE predictions that are correct; 0 if there are none."""
    from sklearn.metrics import precision_score

    return float(precision_score(labels, decide(scores), zero_division=0.0))


def recall(labels: np.ndarray, scores: np.ndarray) -> float:
    """Share of FAKE images that are predicted FAKE."""
    from sklearn.metrics import recall_score

    return float(recall_score(labels, decide(scores), zero_division=0.0))


def f1(labels: np.ndarray, scores: np.ndarray) -> float:
    """Harmonic mean of precision and recall."""
    from sklearn.metrics import f1_score

    return float(f1_score(labels, decide(scores), zero_division=0.0))


def loss(labels: np.ndarray, scores: np.ndarray) -> float:
    """Mean binary cross-entropy, in nats."""
    from sklearn.metrics import log_loss

    return float(log_loss(labels, scores.astype(float), labels=[0, 1]))


def roc_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve: the probability that a FAKE image scores above a REAL one."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores))


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Mean precision over thresholds, weighted by the increase in recall."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(labels, scores))


def mcc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Matthews correlation coefficient of predictions and labels, from -1 to 1."""
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(labels, decide(scores)))


def brier(labels: np.ndarray, scores: np.ndarray) -> float:
    """Mean squared difference of score and label."""
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(labels, scores))


def ece(labels: np.ndarray, scores: np.ndarray) -> float:
    """Expected calibration error of the probability of FAKE (Guo et al. 2017).

    The mean absolute difference of mean score and share of FAKE in 15 bins of equal width, weighted by their
    numbers of images.
    """
    bins = np.minimum((scores * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = np.bincount(bins, weights=scores.astype(float) - labels, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(labels))


FUNCTIONS: dict[str, MetricFunction] = {
    function.__name__: function
    for function in (accuracy, precision, recall, f1, loss, roc_auc, average_precision, mcc, brier, ece)
}


def score_by_label(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Accuracy, the share of images called FAKE, and the accuracy of each label that there is, by name.

    Accuracy alone hides a threshold that no longer fits, and a drop in one label.
    """
    shares = {"accuracy": accuracy(labels, scores), "fake_share": float(decide(scores).mean())}
    for label, name in enumerate(("accuracy_real", "accuracy_fake")):
        if (rows := labels == label).any():
            shares[name] = accuracy(labels[rows], scores[rows])
    return shares


def score(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """All metrics of predictions, by name."""
    return {name: function(labels, scores) for name, function in FUNCTIONS.items()}
