"""Options of a comparison."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from cifake.cli.grammar import CommandOptions, Flag, read_options
from cifake.cli.help import option_rows, print_help_if_asked
from cifake.comparison import VIEW_NAMES
from cifake.comparison.condition import parse_condition
from cifake.comparison.render import FORMATS, SUFFIXES

PROGRAM = "python compare.py"


def _one_of(known: Sequence[str]) -> BeforeValidator:
    def check(value: Any) -> Any:
        if value not in known:
            raise ValueError(f"expected one of {', '.join(known)}, received {value!r}")
        return value

    return BeforeValidator(check)


def _conditions(texts: list[str]) -> list[str]:
    for text in texts:
        parse_condition(text)  # a mistake ends the command here, before the store is read
    return texts


class Options(CommandOptions):
    """What to compare, and what to make of it."""

    metric: str = Field("f1", description="f1, accuracy ... of the test part, or a key: best/val_loss")
    direction: Literal["higher", "lower"] | None = Field(
        None, description="higher or lower is better, for a metric of your own"
    )
    view: Annotated[str, _one_of(VIEW_NAMES)] = Field(
        "leaderboard", description=f"{', '.join(VIEW_NAMES)} (default: leaderboard; html has all)"
    )
    baseline: str | None = Field(None, description="the row that differences are from (default: the best)")
    confidence: float = Field(0.95, gt=0, lt=1, description="of intervals and tests")
    fail_if: Annotated[list[str], AfterValidator(_conditions)] = Field(
        [],
        description="'f1 < 0.93' or 'f1 drops 0.005 vs base', repeatable; exit code 1 when the interval says "
        "that it is so, 3 when it leaves it open",
    )
    experiment: list[str] = Field(
        [], description="repeatable (default: MLFLOW_EXPERIMENT_NAME, or else cifake and Default)"
    )
    tracking_uri: str | None = Field(
        None, description="the store (default: MLFLOW_TRACKING_URI, or ./mlflow.db)"
    )
    variant: list[str] = Field([], description="only this one, repeatable")
    split: Literal["full", "small", "all"] | None = Field(
        None, description="only runs on this split: full, small or all"
    )
    filter: str = Field("", description="only runs that MLflow's search finds: \"params.optimizer = 'sgd'\"")
    top: int | None = Field(None, ge=1, description="only the best N rows of each table")
    format: Annotated[str, _one_of(tuple(FORMATS))] | None = Field(
        None, description=f"{', '.join(FORMATS)} (default: by the suffix of output, or text)"
    )
    output: Path | None = Field(None, description="write to this file instead of standard output")
    promote: Flag = Field(
        False,
        description="register the best as models:/cifake@champion if it is significantly better than the "
        "present one and every fail_if passes; exit code 3 when that cannot be told",
    )
    log: Flag = Field(False, description="keep the html report in an MLflow run of its own")

    @field_validator("output")
    @classmethod
    def _is_a_file(cls, output: Path) -> Path:
        if not output.parent.is_dir():
            raise ValueError(f"there is no folder {output.parent}; make it first")
        if output.is_dir():
            raise ValueError(f"expected a file, {output} is a folder")
        return output

    @model_validator(mode="after")
    def _has_a_format(self) -> "Options":
        if self.output and not self.format and self.output.suffix not in SUFFIXES:
            raise ValueError(
                f"expected one of {', '.join(SUFFIXES)}, received '{self.output}'; or add --format"
            )
        return self

    @property
    def output_format(self) -> str:
        return self.format or (SUFFIXES[self.output.suffix] if self.output else "text")


def parse(argv: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        ConfigError: an unknown option, or a value that its option does not take.
    """
    print_help_if_asked(
        argv, PROGRAM, "Rank tracked runs, and say how sure the ranking is.", option_rows(Options)
    )
    options, _ = read_options(Options, argv)
    return options
