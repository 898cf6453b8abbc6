"""What is explained, and which images of it are shown."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cifake.contract import LABELS
from cifake.evaluation.metrics import decide
from cifake.explain.gradcam import heat

SHOWN = 8  # images in a row of a figure
SEED = 0  # of those shown at random


@dataclass(frozen=True)
class Explained:
    """Images with their evidence.

    Attributes:
        images: uint8 [n, 32, 32, 3].
        paths: str [n].
        evidence: float32 [n, h, w], from ``GradCam``.
        scores: float32 [n], the probability of FAKE.
        labels: int [n], 1 is FAKE; None where nobody knows.
        objects: str [n], the object class; None likewise.
    """

    images: np.ndarray
    paths: np.ndarray
    evidence: np.ndarray
    scores: np.ndarray
    labels: np.ndarray | None = None
    objects: np.ndarray | None = None

    @property
    def heat(self) -> np.ndarray:
        """Grad-CAM of the class that each image was called: float32 [n, h, w]."""
        return heat(self.evidence, self.scores)

    @property
    def calls(self) -> np.ndarray:
        """The class that each image was called: int [n], 1 is FAKE."""
        return decide(self.scores)

    @property
    def groups(self) -> dict[str, np.ndarray]:
        """Keys of the table of shares: label and object class, or without labels the call."""
        if self.labels is None or self.objects is None:
            return {"call": np.take(LABELS, self.calls)}
        return {"label": np.take(LABELS, self.labels), "object": self.objects}


def outcomes(explained: Explained) -> Iterator[tuple[str, np.ndarray]]:
    """What can come of a call, such as ``true_FAKE``, and the rows where it did.

    ``false_FAKE`` is a REAL image that was called FAKE. Without labels there is ``called_FAKE``.
    """
    for call, name in enumerate(LABELS):
        called = explained.calls == call
        if explained.labels is None:
            yield f"called_{name}", np.flatnonzero(called)
        else:
            yield f"true_{name}", np.flatnonzero(called & (explained.labels == call))
            yield f"false_{name}", np.flatnonzero(called & (explained.labels != call))


def choose(rows: np.ndarray, scores: np.ndarray) -> dict[str, np.ndarray]:
    """Which of the rows are shown: the most confident, and others at random with seed 0.

    Args:
        rows: int, of one outcome.
        scores: float [n], of all images.
    """
    by_confidence = rows[np.argsort(-np.abs(scores[rows] - 0.5), kind="stable")]
    rest = by_confidence[SHOWN:]
    drawn = np.random.default_rng(SEED).permutation(len(rest))[:SHOWN]
    return {"most confident": by_confidence[:SHOWN], "at random": rest[np.sort(drawn)]}
