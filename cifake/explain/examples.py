"""The images that are explained, and the examples of them in figures."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cifake.contract import LABELS
from cifake.evaluation.metrics import decide
from cifake.explain.gradcam import heat

SHOWN = 8  # images in a row of a figure
SEED = 0  # of the random examples


@dataclass(frozen=True)
class Explained:
    """Images with their evidence maps.

    Attributes:
        images: uint8 [n, 32, 32, 3].
        paths: str [n].
        evidence: float32 [n, h, w], from ``GradCam``.
        scores: float32 [n], the probability of FAKE.
        labels: int [n], 1 is FAKE; None if unknown.
        objects: str [n], the object class; None if unknown.
    """

    images: np.ndarray
    paths: np.ndarray
    evidence: np.ndarray
    scores: np.ndarray
    labels: np.ndarray | None = None
    objects: np.ndarray | None = None

    @property
    def heat(self) -> np.ndarray:
        """Grad-CAM of the predicted class: float32 [n, h, w]."""
        return heat(self.evidence, self.scores)

    @property
    def calls(self) -> np.ndarray:
        """The predicted class: int [n], 1 is FAKE."""
        return decide(self.scores)

    @property
    def groups(self) -> dict[str, np.ndarray]:
        """Keys of the border shares, str [n] each: label and object class, or else the predicted class."""
        if self.labels is None:
            return {"call": np.take(LABELS, self.calls)}
        labels = {"label": np.take(LABELS, self.labels)}
        return labels if self.objects is None else {**labels, "object": self.objects}


def outcomes(explained: Explained) -> Iterator[tuple[str, np.ndarray]]:
    """Outcomes of a prediction, such as ``true_FAKE``, each with the rows that have it, int [m].

    ``false_FAKE`` is a REAL image that was called FAKE. Without labels there is only ``called_FAKE``.
    """
    for call, name in enumerate(LABELS):
        called = explained.calls == call
        if explained.labels is None:
            yield f"called_{name}", np.flatnonzero(called)
        else:
            yield f"true_{name}", np.flatnonzero(called & (explained.labels == call))
            yield f"false_{name}", np.flatnonzero(called & (explained.labels != call))


def choose(rows: np.ndarray, scores: np.ndarray) -> dict[str, np.ndarray]:
    """Choose examples: the most confident rows, and a random sample of the others with seed 0.

    Args:
        rows: int [m], those of one outcome.
        scores: float [n], of all images.

    Returns:
        At most 8 rows each, by the title of their row in a figure.
    """
    by_confidence = rows[np.argsort(-np.abs(scores[rows] - 0.5), kind="stable")]
    rest = by_confidence[SHOWN:]
    drawn = np.random.default_rng(SEED).permutation(len(rest))[:SHOWN]
    return {"most confident": by_confidence[:SHOWN], "at random": rest[np.sort(drawn)]}
