"""Settings of a hyperparameter search: the tuner, its objective and its budget."""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field, model_validator

from cifake.config.fields import Count, Strict
from cifake.contract import higher_is_better


class TunerSettings(Strict):
    """The tuner, its objective and its budget."""

    kind: Literal["Hyperband", "RandomSearch", "BayesianOptimization"] = Field(
        description="the tuner of Keras Tuner"
    )
    objective: Literal["val/loss", "val/accuracy", "val/precision", "val/recall"] = Field(
        description="the score that ranks trials"
    )
    epochs: Count = Field(description="epochs of a trial; with Hyperband, of the longest")
    max_trials: Count | None = Field(None, description="largest number of trials; null is Hyperband's own")
    factor: int = Field(3, ge=2, description="Hyperband keeps one trial in this many")
    seed: int = Field(0, ge=0, description="seed of the search")
    images: Count | None = Field(None, description="training images of a trial; null is all")

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
