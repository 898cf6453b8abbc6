"""Options of a comparison."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from cifake.cli.grammar import CommandOptions, CommaSeparated, Flag, InputFolder, OutputFile, OutputFolder
from cifake.cli.help import options_or_help
from cifake.comparison import VIEW_NAMES, Direction, ViewName
from cifake.comparison.condition import parse_condition
from cifake.comparison.render import FORMATS, SUFFIXES, Format


def _conditions(texts: list[str]) -> list[str]:
    for text in texts:
        parse_condition(text)  # a mistake ends the command here, before the store is read
    return texts


class Options(CommandOptions):
    """What to compare, and what to make of it."""

    metric: str = Field(
        "f1", description="f1, accuracy, loss ... of the test images, or a whole key such as val/loss"
    )
    direction: Direction | None = Field(
        None,
        description="higher or lower is better, of a metric that has none of its own, such as best_epoch",
    )
    view: ViewName = Field("leaderboard", description=f"{', '.join(VIEW_NAMES)}; an html report has them all")
    rows: str = Field("", description="the setting of a pivot's rows: model.filters")
    columns: str = Field("", description="the setting of a pivot's columns: optimizer")
    near_copies: str = Field(
        "", description="the CSV file of an audit with near=true, of --view near_copies and html reports"
    )
    baseline: str | None = Field(None, description="the row to compare the others with (default: the best)")
    confidence: float = Field(0.95, gt=0, lt=1, description="level of intervals and tests")
    margin: float = Field(
        0.0, ge=0, description="a difference that does not matter: one surely within it is called equivalent"
    )
    fail_if: Annotated[list[str], AfterValidator(_conditions)] = Field(
        [],
        description="'f1 < 0.93' or 'f1 drops 0.005 vs base': exit with 1 if the whole interval says so, "
        "with 3 if it leaves it open; repeatable",
    )
    allow_single_seed: Flag = Field(
        False, description="let fail_if decide on one seed, whose interval lacks the noise of training"
    )
    experiment: list[str] = Field(
        [],
        description="only this one; repeatable (default: that of MLFLOW_EXPERIMENT_NAME or _ID, or cifake "
        "and Default)",
    )
    tracking_uri: str | None = Field(
        None, description="the store's address (default: MLFLOW_TRACKING_URI, or ./mlflow.db)"
    )
    results: InputFolder | None = Field(
        None,
        description="a folder of published results to read in place of a store, such as experiments/results; "
        "with tracking_uri both are read, in rows of their own",
    )
    publish: OutputFolder | None = Field(
        None, description="a folder of published results, to which the runs that were read are added"
    )
    variant: Annotated[list[str], CommaSeparated] = Field([], description="only these, such as base,val")
    split: Literal["full", "small", "all", "full,all"] | None = Field(
        None,
        description="only runs on this split: full, small or all; full,all ranks both in one table, since "
        "their test images are the same",
    )
    filter: str = Field("", description="only runs that MLflow's search finds: \"params.optimizer = 'sgd'\"")
    group_by: str | None = Field(
        None,
        description="a tag or param whose values get rows of their own, beside the settings: code_version",
    )
    min_seeds: int = Field(
        1, ge=1, description="only variants with so many seeds: those with fewer make all intervals wider"
    )
    top: int | None = Field(None, ge=1, description="only the best N rows of each table")
    format: Format | None = Field(
        None, description=f"{', '.join(FORMATS)} (default: by the suffix of output, or text)"
    )
    output: OutputFile | None = Field(None, description="a file to write to instead of standard output")
    promote: Flag = Field(
        False,
        description="register the best model as models:/cifake@champion if it is significantly better than "
        "the present one and every fail_if passes; exit with 3 if that cannot be told",
    )
    log: Flag = Field(False, description="keep the html report in an MLflow run of its own")

    @field_validator("group_by")
    @classmethod
    def _is_no_seed(cls, group_by: str) -> str:
        if group_by == "seed":
            raise ValueError("expected a tag or param other than the seed, over which rows are means")
        return group_by

    @model_validator(mode="after")
    def _has_a_format(self) -> "Options":
        if self.output and not self.format and self.output.suffix not in SUFFIXES:
            raise ValueError(
                f"expected one of {', '.join(SUFFIXES)}, received '{self.output}'; or add --format"
            )
        return self

    @model_validator(mode="after")
    def _has_settings_for_a_pivot(self) -> "Options":
        if self.view == "pivot" and not self.rows:
            raise ValueError("pivot: expected --rows and perhaps --columns, each a setting, received none")
        if self.settings and self.view != "pivot" and self.output_format != "html":
            raise ValueError(f"--rows and --columns need --view pivot, received --view {self.view}")
        return self

    @model_validator(mode="after")
    def _has_a_store_to_write_to(self) -> "Options":
        """Published results have no experiments, no models, and no place for reports."""
        alone, beside = ("promote", "publish"), ("log", "experiment")  # or beside results
        for name in (*alone, *(() if self.tracking_uri else beside)) if self.results else ():
            if getattr(self, name):
                hint = ", or add --tracking-uri" if name in beside else ""
                raise ValueError(
                    f"--{name} needs the runs of a store, received --results; leave out --results{hint}"
                )
        return self

    @model_validator(mode="after")
    def _has_a_file_of_near_copies(self) -> "Options":
        if self.view == "near_copies" and not self.near_copies:
            raise ValueError("near_copies: expected --near-copies and a CSV file of an audit, received none")
        if self.near_copies and self.view != "near_copies" and self.output_format != "html":
            raise ValueError(f"--near-copies needs --view near_copies, received --view {self.view}")
        return self

    @property
    def settings(self) -> list[str]:
        """Those of a pivot's rows and columns."""
        return [name for name in (self.rows, self.columns) if name]

    @property
    def output_format(self) -> str:
        return self.format or (SUFFIXES[self.output.suffix] if self.output else "text")


def parse(argv: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        ConfigError: an option that is missing or unknown, or a value that it does not take.
    """
    summary = "Rank tracked runs, and say how sure the ranking is."
    return options_or_help(Options, argv, "python compare.py", summary)
