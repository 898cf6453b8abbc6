"""Options of an evaluation on other images."""

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from cifake.cli.grammar import CommaSeparated, Flag
from cifake.cli.help import options_or_help
from cifake.contract import WEIGHTED_SETS, WITH_TEST
from cifake.core.errors import ConfigError
from cifake.tracking.model_form import ModelForm

SET_NAME = re.compile(r"(?=.*\w)[\w.-]{1,100}")


class Options(ModelForm):
    """The models, the images, and how they are read."""

    run: Annotated[list[str], CommaSeparated] = Field(
        default_factory=list,
        description="run ids, variants (their newest finished runs), models:/<name>@<alias>",
    )
    variants: Annotated[list[str], CommaSeparated] = Field(
        default_factory=list, description="all finished runs of these variants, a seed each; instead of run"
    )
    images: str = Field(
        min_length=1,
        description="a folder or an archive with REAL/ and FAKE/, or one of them, at any depth; or a .csv or "
        ".parquet file with the columns path and label",
    )
    name: str | None = Field(
        None, description="what metrics call the images: other/<name>/accuracy; by default the input's name"
    )
    weight: float | None = Field(
        None, gt=0, description="the set's weight in other/weighted/accuracy, the mean over sets with one"
    )
    prepare: Literal["cifake", "none"] = Field(
        "cifake", description="none leaves out the JPEG encoding that every image of CIFAKE went through"
    )
    force: Flag = Field(False, description="true replaces what the runs hold of another set of this name")


def parse(argv: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        ConfigError: an option that is missing or unknown, or a value that it does not take.
    """
    summary = "Evaluate trained models on labelled images from elsewhere, and log it to their runs."
    options = options_or_help(Options, argv, "python -m cifake.evaluate", summary)
    if bool(options.run) == bool(options.variants):
        raise ConfigError("expected either run=<run id, variant or models:/...> or variants=<variant,...>")
    if options.name is not None:
        check_set_name(options.name)
    return options


def check_set_name(name: str) -> str:
    """The name of a set as part of a metric's key.

    Raises:
        ConfigError: it is reserved, or has other characters than MLflow's keys.
    """
    reserved = name == WEIGHTED_SETS or name.endswith(tuple(WITH_TEST.values()))
    if not SET_NAME.fullmatch(name) or reserved:
        raise ConfigError(
            f"name: expected at most 100 letters, digits, '_', '-' and '.', and not '{WEIGHTED_SETS}' or "
            f"'...{WITH_TEST[0]}', received '{name}'; give another with name="
        )
    return name
