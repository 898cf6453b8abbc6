"""Options of a robustness test, and of its command."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator

from cifake.cli.grammar import CommandOptions, CommaSeparated, Flag, OutputFolder
from cifake.cli.help import options_or_help
from cifake.config.fields import Count
from cifake.contract import ATTACKS, DEFAULT_ADVERSARY, PERTURBATIONS, parse_perturbation
from cifake.core.errors import ConfigError
from cifake.robustness.perturbations import select
from cifake.tracking.model_form import ModelForm


class RobustnessOptions(CommandOptions):
    """How a model is tested; the defaults are those of ``-P robustness=true``."""

    perturbations: Annotated[list[str], BeforeValidator(select), CommaSeparated] = Field(
        default_factory=lambda: list(PERTURBATIONS),
        description="kinds or names: jpeg,pgd_8; all of them by default; clean always",
    )
    images: Count | None = Field(
        default=None,
        description="test only the first N images, balanced over labels and object classes",
    )
    steps: Count = Field(default=10, description="of PGD, epsilon/4 each")
    restarts: Count = Field(default=1, description="random starts of PGD; the worst counts, image by image")
    adversary: str = Field(
        default=DEFAULT_ADVERSARY,
        description="the attack in robust/weighted_accuracy; if given, it is tested here or was before",
    )
    seed: int = Field(default=0, ge=0, description="of noise and random starts")
    batch: Count = Field(default=128, description="images an attack handles at once; changes no result")
    force: Flag = Field(default=False, description="true replaces what the run holds already")

    @field_validator("adversary")
    @classmethod
    def _an_attack(cls, value: str) -> str:
        known = [name for name in PERTURBATIONS if parse_perturbation(name)[0] in ATTACKS]
        if value not in known:
            raise ValueError(f"expected one of {', '.join(known)}, received '{value}'")
        return value

    def kind(self, test_images: int) -> str:
        """The folder for predictions made with these options; tests of the same kind can be continued."""
        count = min(self.images or test_images, test_images)
        return f"robustness/{count}-images_{self.steps}-steps_{self.restarts}-restarts_seed-{self.seed}"


class Options(RobustnessOptions, ModelForm):
    """Options of the command: those of the test, and its model."""

    run: str = Field(
        description="a run id, a variant (its newest finished run), models:/<name>@<alias>; with export also "
        "a .keras or .h5 file"
    )
    export: str | None = Field(
        None, description="only write the images of this perturbation, as PNG files, to output"
    )
    output: OutputFolder | None = Field(None, description="a new or an empty folder, with export")


def parse(argv: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        ConfigError: an option that is missing or unknown, or a value that it does not take.
    """
    options = options_or_help(
        Options, argv, "python -m cifake.robustness",
        "Score a run's model on its test images under perturbations and attacks, and log it to the run.",
        footer=f"perturbations: {', '.join(PERTURBATIONS)}",
    )  # fmt: skip
    if (options.export is None) != (options.output is None):
        raise ConfigError("expected export=<perturbation> and output=<folder> together, received one of them")
    if options.export and options.export not in PERTURBATIONS:
        raise ConfigError(f"export: expected one of {', '.join(PERTURBATIONS)}, received '{options.export}'")
    if options.output and options.output.is_dir() and any(options.output.iterdir()):
        raise ConfigError(f"output: expected a new or an empty folder, {options.output} holds files")
    return options
