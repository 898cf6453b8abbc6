"""Options of an audit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from cifake.cli.grammar import CommandOptions, OutputFile
from cifake.cli.help import options_or_help


class Options(CommandOptions):
    """What to audit, and where to write it."""

    dataset: Literal["auto", "cifake", "demo", "other"] = Field(
        "auto", description="auto, cifake, demo or other"
    )
    dataset_name: str | None = Field(None, description="what images other than CIFAKE are to be called")
    resize: Literal["prepare", "refuse"] = Field(
        "prepare", description="refuse lists images that are not RGB of 32 x 32 pixels as unusable"
    )
    output: OutputFile = Field(Path("audit.json"), description="a JSON file (default: audit.json)")


def parse(argv: Sequence[str]) -> Options:
    """Read the command line."""
    summary = "Count the data set's images, copies, JPEG tables and unusable files."
    return options_or_help(Options, argv, "python -m cifake.audit", summary)
