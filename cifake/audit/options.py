"""Options of an audit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from cifake.cli.grammar import CommandOptions, read_options
from cifake.cli.help import option_rows, print_help_if_asked

PROGRAM = "python -m cifake.audit"


class Options(CommandOptions):
    """What to audit, and where to write it."""

    dataset: Literal["auto", "cifake", "demo"] = Field("auto", description="auto, cifake or demo")
    output: Path = Field(Path("audit.json"), description="a JSON file (default: audit.json)")

    @field_validator("output")
    @classmethod
    def _in_a_folder(cls, output: Path) -> Path:
        if not output.parent.is_dir():
            raise ValueError(f"there is no folder {output.parent}; make it first")
        return output


def parse(argv: Sequence[str]) -> Options:
    """Read the command line."""
    summary = "Count the data set's images, copies, JPEG tables and unusable files."
    print_help_if_asked(argv, PROGRAM, summary, option_rows(Options))
    options, _ = read_options(Options, argv)
    return options
