"""One trial of a search, and who runs it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Trial:
    """One point of a search space and its score.

    Attributes:
        number: from 1, in the order of starting.
        values: by name: a setting, ``<setting>.layers`` or ``<setting>.<layer, from 0>``.
        score: the objective on the validation part; None when the trial failed.
        reason: why it failed.
    """

    number: int
    values: Mapping[str, Any]
    score: float | None
    reason: str = ""


def is_worker() -> bool:
    """Whether this process runs trials for the chief of a search, as Keras Tuner's variables say."""
    return "chief" not in os.environ.get("KERASTUNER_TUNER_ID", "chief")
