"""Precision, recall, F1 and support by class, as text."""

import numpy as np

from cifake.contract import LABELS
from cifake.evaluation.metrics import decide


def classification_report(labels: np.ndarray, scores: np.ndarray) -> str:
    """Precision, recall, F1 and support of REAL and FAKE, with macro and weighted averages.

    Args:
        labels: int [n], 1 is FAKE.
        scores: float [n], the probability of FAKE.
    """
    from sklearn.metrics import classification_report as report

    return str(
        report(labels, decide(scores), labels=[0, 1], target_names=LABELS, digits=4, zero_division=0.0)
    )
