"""The command line of a prediction: its inputs and its output files."""

import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from cifake.cli.grammar import Flag
from cifake.cli.help import options_or_help
from cifake.contract import THRESHOLD
from cifake.core.backend import require_ray
from cifake.core.errors import ConfigError, DataError
from cifake.data.archives import ARCHIVE_SUFFIXES
from cifake.data.image_files import Glob, ImageFiles, open_files
from cifake.tracking.model_form import ModelForm

SUFFIXES = (".csv", ".parquet")


class Options(ModelForm):
    """The model, the inputs and the outputs."""

    model: str = Field(
        min_length=1,
        description="a run id, a variant (its newest finished run), models:/cifake@champion, "
        "or a .keras or .h5 file",
    )
    images: str = Field(
        min_length=1,
        description="a folder (images at any depth), a .zip, .tar, .tar.gz or .tar.xz, a glob, one image; "
        "several separated by commas",
    )
    output: str = Field(
        "{name}_results.csv",
        description="a .csv or .parquet file, or a folder; {name} stands for the name of the input",
    )
    threshold: float = Field(THRESHOLD, ge=0, le=1, description="FAKE from this probability up")
    engine: Literal["local", "ray"] = Field(
        "local", description="local, or ray: over the machines of a Ray cluster"
    )
    prepare: Literal["cifake", "none"] = Field(
        "cifake", description="none leaves out the JPEG encoding that every image of CIFAKE went through"
    )
    force: Flag = Field(False, description="true replaces existing outputs")


def parse(argv: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        ConfigError: an option that is missing or unknown, or a value that it does not take.
    """
    options = options_or_help(
        Options, argv, "python -m cifake.predict", "Predict how probably each image is FAKE.",
        footer="The same command resumes after a kill.",
    )  # fmt: skip
    if options.engine == "ray":
        require_ray()
    return options


def open_images(given: str) -> list[ImageFiles]:
    """The inputs that ``images=`` names, separated by commas.

    Raises:
        DataError: one that does not exist.
    """
    texts = [given] if os.path.lexists(given) else given.split(",")
    inputs = [text.strip() for text in texts if text.strip()]
    if not inputs:
        raise DataError(f"images: expected folders, archives or globs, received '{given}'")
    return [_open(os.path.expanduser(text)) for text in inputs]


def _open(location: str) -> ImageFiles:
    # Absolute, since other processes may have other working directories.
    if images := open_files(os.path.abspath(location)):
        return images
    if os.path.isfile(location):
        return Glob(glob.escape(location), os.getcwd())
    if glob.has_magic(location):
        return Glob(location, os.getcwd())
    raise DataError(
        f"images: there is no {location}; expected folders, archives ({', '.join(ARCHIVE_SUFFIXES)}) or "
        "globs such as 'photos/*.jpg', separated by commas"
    )


def output_files(output: str, names: Sequence[str]) -> list[Path]:
    """The output file of each input; ``output`` is a file, a folder, or a path with ``{name}``.

    Raises:
        ConfigError: a folder is missing, a suffix is unknown, or several inputs share a file.
    """
    pattern = f"{output}/{{name}}_results.csv" if Path(output).is_dir() or output.endswith("/") else output
    files = [Path(pattern.replace("{name}", name)) for name in names]
    for file in files:
        if file.suffix not in SUFFIXES:
            raise ConfigError(
                f"output: expected a {' or '.join(SUFFIXES)} file, or a folder, received '{output}'"
            )
        if not file.parent.is_dir():
            raise ConfigError(f"output: there is no folder {file.parent}; make it first")
    if len(set(files)) < len(files):
        raise ConfigError(
            f"output: expected a file for each of {len(files)} inputs (a folder, or a name with {{name}}), "
            f"received '{output}' for inputs called {', '.join(names)}"
        )
    return files
