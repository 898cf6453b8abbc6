"""Metrics of predictions by name. Titles and directions are declared in ``cifake.contract``.

The positive class is FAKE. Functions take labels, int [n] with 1 for FAKE, and scores, float [n], the
probability of FAKE; metrics of predicted classes count a score of at least 0.5 as FAKE. scikit-learn is
imported only when a metric is computed, since its import is slow.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from cifake.contract import LABELS, THRESHOLD

ECE_BINS = 15
MetricFunction = Callable[[np.ndarray, np.ndarray], float]


def decide(scores: np.ndarray) -> np.ndarray:
    """Predicted classes: int8 [n], 1 (FAKE) for scores of at least 0.5."""
    return (scores >= THRESHOLD).astype(np.int8)


def _of_classes(function: str, **options: Any) -> MetricFunction:
    """scikit-learn's metric of predicted classes."""
    return lambda labels, scores: float(_sklearn(function)(labels, decide(scores), **options))


def _of_scores(function: str, **options: Any) -> MetricFunction:
    """scikit-learn's metric of scores."""
    return lambda labels, scores: float(_sklearn(function)(labels, scores, **options))


def _sklearn(function: str) -> Callable[..., Any]:
    import sklearn.metrics

    return getattr(sklearn.metrics, function)  # type: ignore[no-any-return]


accuracy = _of_classes("accuracy_score")
f1 = _of_classes("f1_score", zero_division=0.0)
roc_auc = _of_scores("roc_auc_score")  # the probability that a FAKE image scores above a REAL one


def loss(labels: np.ndarray, scores: np.ndarray) -> float:
    """Mean binary cross-entropy, in nats."""
    return float(_sklearn("log_loss")(labels, scores.astype(float), labels=[0, 1]))


def ece(labels: np.ndarray, scores: np.ndarray) -> float:
    """Expected calibration error of the probability of FAKE (Guo et al. 2017).

    The mean absolute difference of mean score and share of FAKE in 15 bins of equal width, weighted by their
    numbers of images.
    """
    bins = np.minimum((scores * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = np.bincount(bins, weights=scores.astype(float) - labels, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(labels))


FUNCTIONS: dict[str, MetricFunction] = {
    "accuracy": accuracy,
    "precision": _of_classes("precision_score", zero_division=0.0),  # 0 where no image is called FAKE
    "recall": _of_classes("recall_score", zero_division=0.0),
    "f1": f1,
    "loss": loss,
    "roc_auc": roc_auc,
    "average_precision": _of_scores("average_precision_score"),
    "mcc": _of_classes("matthews_corrcoef"),
    "brier": _of_scores("brier_score_loss"),
    "ece": ece,
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


def classification_report(labels: np.ndarray, scores: np.ndarray) -> str:
    """Precision, recall, F1 and support of REAL and FAKE, with macro and weighted averages, as text."""
    options = {"labels": [0, 1], "target_names": LABELS, "digits": 4, "zero_division": 0.0}
    return str(_sklearn("classification_report")(labels, decide(scores), **options))
