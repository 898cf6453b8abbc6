"""What a robustness test may be told, and within which range."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator

from cifake.cli.grammar import CommandOptions, CommaSeparated, Flag, read_options
from cifake.cli.help import option_rows, print_help_if_asked, usage_of
from cifake.config.fields import Count
from cifake.contract import ATTACKS, PERTURBATIONS
from cifake.core.errors import ConfigError
from cifake.robustness.perturbations import kind_of, select


class RobustnessOptions(CommandOptions):
    """How a model is tested; the defaults are those of ``-P robustness=true``."""

    perturbations: Annotated[list[str], BeforeValidator(select), CommaSeparated] = Field(
        default_factory=lambda: list(PERTURBATIONS),
        description="kinds or names: jpeg,pgd_8; all of them by default",
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

    @field_validator("adversary")
    @classmethod
    def _an_attack(cls, value: str) -> str:
        known = [name for name in PERTURBATIONS if kind_of(name)[0] in ATTACKS]
        if value not in known:
            raise ValueError(f"expected one of {', '.join(known)}, received '{value}'")
        return value

    def folder(self, test_images: int) -> str:
        """Where predictions made this way are kept: tests that share it are of the same kind."""
        count = min(self.images or test_images, test_images)
        return f"robustness/{count}-images_{self.steps}-steps_{self.restarts}-restarts_seed-{self.seed}"


class Options(RobustnessOptions):
    """What the command may be told beyond what a test may."""

    run: str = Field(description="a run id, a variant (its newest finished run), models:/<name>@<alias>")
    export: str | None = Field(
        None, description="only write the images of this perturbation, as PNG files, to output"
    )
    output: str | None = Field(None, description="a folder, with export")


def parse(argv: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        ConfigError: an option that there is not, or a value that its option does not take.
    """
    print_help_if_asked(
        argv, usage_of("python -m cifake.robustness", Options),
        "Score a run's model on its test images under perturbations and attacks, and log it to the run.",
        option_rows(Options), f"perturbations: {', '.join(PERTURBATIONS)}",
    )  # fmt: skip
    options, _ = read_options(Options, argv)
    if (options.export is None) != (options.output is None):
        raise ConfigError("expected export=<perturbation> and output=<folder> together, received one of them")
    if options.export and options.export not in PERTURBATIONS:
        raise ConfigError(f"export: expected one of {', '.join(PERTURBATIONS)}, received '{options.export}'")
    return options
