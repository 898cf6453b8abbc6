"""Options of an audit."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, model_validator

from cifake.audit.near_copies import LIMIT, LOWEST
from cifake.cli.grammar import CommandOptions, Flag, OutputFile, output_file
from cifake.cli.help import options_or_help
from cifake.config.fields import DatasetChoice, DatasetName, Resize


class Options(CommandOptions):
    """What to audit, and where to write it."""

    dataset: DatasetChoice = Field("auto", description="auto, cifake, demo or other")
    dataset_name: DatasetName | None = Field(
        None, description="what images other than CIFAKE are to be called"
    )
    resize: Resize = Field(
        "prepare", description="refuse lists images that are not RGB of 32 x 32 pixels as unusable"
    )
    near: Flag = Field(False, description="also look for near-copies, in minutes")
    similarity: float = Field(
        LIMIT, ge=LOWEST, le=1, description="the least correlation of near-copies, see docs/near-copies.md"
    )
    output: OutputFile = Field(
        Path("audit.json"),
        validate_default=True,
        description="a JSON file (default: audit.json); near-copies are listed and shown beside it, in "
        "audit_near_copies.csv and audit_near_copies.png",
    )

    @model_validator(mode="after")
    def _can_write_near_copies(self) -> "Options":
        if "similarity" in self.model_fields_set and not self.near:
            raise ValueError("similarity: applies to near-copies only; add near=true")
        if self.near:
            output_file(self.pairs_file)
            output_file(self.picture_file)
        return self

    @property
    def pairs_file(self) -> Path:
        return self.output.with_name(f"{self.output.stem}_near_copies.csv")

    @property
    def picture_file(self) -> Path:
        return self.pairs_file.with_suffix(".png")


def parse(argv: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        ConfigError: an option that is missing or unknown, or a value that it does not take.
    """
    summary = "Count the data set's images, copies, JPEG tables and unusable files."
    return options_or_help(Options, argv, "python -m cifake.audit", summary)
