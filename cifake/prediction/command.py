"""The command line of a prediction, and the files it makes."""

import argparse
import difflib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cifake.config import split_words
from cifake.errors import ConfigError
from cifake.evaluation.metrics import THRESHOLD

ENGINES = ("local", "ray")
SUFFIXES = (".csv", ".parquet")
OPTIONS = """options, as --key value or key=value:
  model      a run id, a variant (its newest finished run), models:/cifake@champion, or a .keras or .h5 file
  images     a folder (images at any depth), a .zip, .tar, .tar.gz or .tar.xz, a glob, one image;
             several separated by commas
  output     a .csv or .parquet file, or a folder; {name} stands for the name of the input
             (default: {name}_results.csv)
  threshold  FAKE from this probability up (default: 0.5)
  engine     local, or ray: over the machines of a Ray cluster (default: local)
  force      true replaces outputs that are there already (default: false)
the same command goes on where a killed one was"""
KEYS = ("model", "images", "output", "threshold", "engine", "force")


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Attributes:
        model: as users call it.
        images: inputs, separated by commas.
        output: a file, a folder, or a path with ``{name}``.
        threshold: FAKE from there up.
        engine: ``local`` or ``ray``.
        force: replace outputs.
    """

    model: str
    images: str
    output: str
    threshold: float
    engine: str
    force: bool


def parse(words: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        ConfigError: an option that is missing or unknown, or a value that it does not take.
    """
    parser = argparse.ArgumentParser(
        prog="python -m cifake.predict", description="Say of images how probably each is FAKE.",
        usage="%(prog)s model=MODEL images=IMAGES [--KEY VALUE | KEY=VALUE ...]", epilog=OPTIONS,
        allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    _, rest = parser.parse_known_args(words)
    given = split_words(rest)
    for key in given:
        if key not in KEYS:
            nearest = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.0)[0]
            raise ConfigError(f"unknown option '{key}'; did you mean '{nearest}'?")
    for key in ("model", "images"):
        if not given.get(key):
            raise ConfigError(f"{key}: expected a value, received none; see --help")
    engine, force = given.get("engine", "local"), given.get("force", "false").lower()
    if engine not in ENGINES:
        raise ConfigError(f"engine: expected {' or '.join(ENGINES)}, received '{engine}'")
    if engine == "ray" and not importlib.util.find_spec("ray"):
        raise ConfigError("engine: ray is not installed; install the extra: pip install -e '.[cluster]'")
    if force not in ("true", "false"):
        raise ConfigError(f"force: expected true or false, received '{force}'")
    return Options(
        given["model"], given["images"], given.get("output", "{name}_results.csv"),
        _threshold(given.get("threshold", str(THRESHOLD))), engine, force == "true",
    )  # fmt: skip


def output_files(output: str, names: Sequence[str]) -> list[Path]:
    """The file that each input becomes.

    Args:
        output: a file, a folder, or a path with ``{name}``.
        names: of the inputs.

    Raises:
        ConfigError: no folder to write into, an unknown suffix, or one file for several inputs.
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


def _threshold(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ConfigError(f"threshold: expected a number from 0 to 1, received '{text}'")
    return value
