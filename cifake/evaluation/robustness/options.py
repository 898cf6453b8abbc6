"""What a robustness test may be told, and within which range."""

from typing import Any

from pydantic import Field, field_validator

from cifake.config import CommandOptions, Flag, listed
from cifake.config.builders import Count
from cifake.evaluation.robustness.perturbations import ATTACKS, NAMES, kind_of, select


class StressOptions(CommandOptions):
    """How a model is tested; the defaults are those of ``-P robustness=true``."""

    perturbations: list[str] = Field(
        default_factory=lambda: list(NAMES), description="kinds or names: jpeg,pgd_8; all of them by default"
    )
    images: Count | None = Field(
        default=None,
        description="only the first so many test images, balanced over labels and object classes",
    )
    steps: Count = Field(default=10, description="of PGD, epsilon/4 each")
    restarts: Count = Field(default=1, description="random starts of PGD; the worst counts, image by image")
    adversary: str = Field(default="fgsm_8", description="the attack in robust/weighted_accuracy")
    seed: int = Field(default=0, ge=0, description="of noise and random starts")
    batch: Count = Field(default=128, description="images an attack handles at once; changes no result")
    force: Flag = Field(default=False, description="true tests anew what the run holds already")

    @field_validator("perturbations", mode="before")
    @classmethod
    def _selected(cls, value: Any) -> list[str]:
        return select(value if isinstance(value, list) else listed(str(value)))

    @field_validator("adversary")
    @classmethod
    def _an_attack(cls, value: str) -> str:
        known = [name for name in NAMES if kind_of(name)[0] in ATTACKS]
        if value not in known:
            raise ValueError(f"expected one of {', '.join(known)}, received '{value}'")
        return value

    def folder(self, test_images: int) -> str:
        """Where predictions made this way are kept: tests that share it are of the same kind."""
        count = min(self.images or test_images, test_images)
        return f"robustness/{count}-images_{self.steps}-steps_{self.restarts}-restarts_seed-{self.seed}"
