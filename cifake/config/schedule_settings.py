"""How the learning rate changes during training."""

from typing import Literal

from pydantic import Field, model_validator

from cifake.config.fields import Count, Fraction, Strict


class ScheduleSettings(Strict):
    """A learning rate that changes with every step, from ``learning_rate`` on."""

    kind: Literal["constant", "cosine", "step"] = Field(
        description="after the warm-up: constant, a cosine to final_fraction, or steps at milestones"
    )
    warmup_epochs: float = Field(0.0, ge=0, description="linear warm-up, in epochs or parts of one")
    final_fraction: Fraction = Field(
        0.0, description="of cosine: the last learning rate as a fraction of the first"
    )
    milestones: list[Count] = Field([], description="of step: epochs after which the rate is multiplied")
    factor: Fraction = Field(0.1, description="of step: what the rate is multiplied by")

    @model_validator(mode="after")
    def _possible(self) -> "ScheduleSettings":
        if (self.kind == "step") != bool(self.milestones):
            raise ValueError(
                f"expected milestones for step alone, received {self.milestones} for {self.kind}"
            )
        if self.milestones != sorted(set(self.milestones)):
            raise ValueError(f"expected rising milestones, received {self.milestones}")
        if self.factor != 0.1 and self.kind != "step":
            raise ValueError(f"expected factor for step alone, received it for {self.kind}")
        if self.milestones and self.milestones[0] < self.warmup_epochs:
            raise ValueError(
                f"expected milestones after the warm-up of {self.warmup_epochs:g} epochs, "
                f"received {self.milestones}"
            )
        if self.final_fraction and self.kind != "cosine":
            raise ValueError(f"expected final_fraction for cosine alone, received it for {self.kind}")
        return self
