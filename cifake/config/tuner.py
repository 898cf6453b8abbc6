"""Who searches, by which score, and how long."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field, model_validator

from cifake.config.builders import Count, Strict
from cifake.contract import higher_is_better


class TunerSettings(Strict):
    """Who searches, by which score, and how long."""

    kind: Literal["Hyperband", "RandomSearch", "BayesianOptimization"] = Field(
        description="the tuner of Keras Tuner"
    )
    objective: Literal["val/loss", "val/accuracy", "val/precision", "val/recall"] = Field(
        description="the score that ranks trials"
    )
    epochs: Count = Field(description="epochs of a trial; of Hyperband's longest ones")
    max_trials: Count | None = Field(None, description="trials at most; null is Hyperband's own number")
    factor: int = Field(3, ge=2, description="Hyperband keeps one trial in this many")
    seed: int = Field(0, ge=0, description="of the values that are tried")
    images: Count | None = Field(None, description="training images of a trial; null is all of them")

    @model_validator(mode="after")
    def _ends(self) -> "TunerSettings":
        if self.kind != "Hyperband" and self.max_trials is None:
            raise ValueError(f"expected max_trials for {self.kind}, which would never end, received none")
        return self

    @property
    def higher_is_better(self) -> bool:
        return higher_is_better(self.objective)

    def best(self, history: Sequence[Mapping[str, float]]) -> float:
        """The best value of the objective in metrics by epoch."""
        values = [metrics[self.objective] for metrics in history]
        return max(values) if self.higher_is_better else min(values)
