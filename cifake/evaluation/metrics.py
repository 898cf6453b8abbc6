"""Every metric by name: what it is, which direction is better, how it is written.

The positive class is FAKE. Scores are probabilities of FAKE; a metric of decisions takes
score >= 0.5 as FAKE. Functions take labels int [n] (1 is FAKE) and scores float [n].
scikit-learn is imported when a number is computed, so that names and directions cost nothing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

THRESHOLD = 0.5
ECE_BINS = 15
MetricFunction = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Metric:
    """A metric's name, direction and format.

    Attributes:
        name: the last part of its key in MLflow: ``f1`` of ``test/f1``.
        title: how tables and figures call it.
        higher_is_better: its direction; None where neither end is better.
        form: a format specification for its values.
        function: computes it from labels and scores; None where it is measured otherwise.
        bounds: the least and the greatest value it can have.
    """

    name: str
    title: str
    higher_is_better: bool | None
    form: str = ".4f"
    function: MetricFunction | None = None
    bounds: tuple[float, float] = (0.0, 1.0)


def decide(scores: np.ndarray) -> np.ndarray:
    """Scores as labels: int [n], 1 (FAKE) from 0.5 up."""
    return (scores >= THRESHOLD).astype(np.int8)


def accuracy(labels: np.ndarray, scores: np.ndarray) -> float:
    """Share of right calls."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(labels, decide(scores)))


def precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Share of FAKE calls that are right; 0 without any."""
    from sklearn.metrics import precision_score

    return float(precision_score(labels, decide(scores), zero_division=0.0))


def recall(labels: np.ndarray, scores: np.ndarray) -> float:
    """Share of FAKE images that are called FAKE."""
    from sklearn.metrics import recall_score

    return float(recall_score(labels, decide(scores), zero_division=0.0))


def f1(labels: np.ndarray, scores: np.ndarray) -> float:
    """Harmonic mean of precision and recall of FAKE."""
    from sklearn.metrics import f1_score

    return float(f1_score(labels, decide(scores), zero_division=0.0))


def loss(labels: np.ndarray, scores: np.ndarray) -> float:
    """Mean binary cross-entropy, in nats."""
    from sklearn.metrics import log_loss

    return float(log_loss(labels, scores.astype(float), labels=[0, 1]))


def roc_auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Chance that a FAKE image scores above a REAL one."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(labels, scores))


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Mean precision over the steps of recall."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(labels, scores))


def mcc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Matthews correlation of calls and labels, -1 to 1."""
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(labels, decide(scores)))


def brier(labels: np.ndarray, scores: np.ndarray) -> float:
    """Mean squared distance of score and label."""
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(labels, scores))


def ece(labels: np.ndarray, scores: np.ndarray) -> float:
    """Expected calibration error over 15 bins of equal width (Guo et al. 2017).

    Of the probability of FAKE: in each bin, the mean score against the share of FAKE.
    """
    bins = np.minimum((scores * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = np.bincount(bins, weights=scores.astype(float) - labels, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(labels))


PREDICTION_METRICS = (
    Metric("accuracy", "accuracy", True, function=accuracy),
    Metric("precision", "precision", True, function=precision),
    Metric("recall", "recall", True, function=recall),
    Metric("f1", "F1", True, function=f1),
    Metric("loss", "loss", False, function=loss, bounds=(0.0, math.inf)),
    Metric("roc_auc", "ROC AUC", True, function=roc_auc),
    Metric("average_precision", "average precision", True, function=average_precision),
    Metric("mcc", "MCC", True, function=mcc, bounds=(-1.0, 1.0)),
    Metric("brier", "Brier score", False, function=brier),
    Metric("ece", "calibration error", False, function=ece),
)
OTHER_METRICS = (
    Metric("fake_share", "share called FAKE", None),
    Metric("weighted_accuracy", "weighted accuracy", True),
    Metric("best_epoch", "best epoch", None, ".0f"),
    Metric("learning_rate", "learning rate", None, ".2g"),
    Metric("parameters", "parameters", False, ",.0f"),
    Metric("train_seconds", "training s", False, ",.1f"),
    Metric("images_per_second", "images/s", True, ",.0f"),
    Metric("latency_ms", "latency ms", False, ".2f"),
    Metric("total_seconds", "total s", False, ",.1f"),
)
_BY_NAME = {metric.name: metric for metric in PREDICTION_METRICS + OTHER_METRICS}


def score(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Every prediction metric by name."""
    return {m.name: m.function(labels, scores) for m in PREDICTION_METRICS if m.function}


def describe_metric(key: str) -> Metric:
    """The metric that an MLflow key such as ``test/f1`` or ``val/loss`` ends in."""
    name = key.rpartition("/")[2]
    return _BY_NAME.get(name, Metric(name, name, True))
