"""Read a variant file, its parents and overrides into validated settings."""

from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cifake.cli.grammar import describe_error
from cifake.config.builders import BUILDERS, TAGS
from cifake.config.mappings import merge, nest
from cifake.config.search_space import corners
from cifake.config.settings import Settings, known_keys
from cifake.config.yaml_values import parse_yaml
from cifake.core.errors import ConfigError
from cifake.core.nearest import nearest

# Settings that a tuner may not vary: the data, the seed, the search itself, and what validation never sees.
NOT_SEARCHED = (
    "dataset", "resize", "split", "seed", "epochs", "monitor", "export", "robustness", "tuner", "search",
    "model.builder", "validation_steps", "restore_best_weights", "predict_flips",
)  # fmt: skip


def load(path: Path | str, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Resolve a variant file with its parents, apply overrides by dotted key, and validate the result.

    Raises:
        ConfigError: a missing file, a cycle of parents, an unknown key or an invalid value.
    """
    values = _read_with_parents(Path(path), ())
    for key, value in (overrides or {}).items():
        values = merge(values, nest(key, value))
    try:
        settings = Settings.model_validate(values)
        _check_search(settings)
    except ValidationError as error:
        raise ConfigError(f"{path}: {'; '.join(map(_explain, error.errors()))}") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    settings._purpose = _read_purpose(Path(path))
    return settings


def parse_overrides(texts: Mapping[str, str]) -> dict[str, Any]:
    """Parse values, given by dotted key as YAML texts."""
    return {key: parse_yaml(text, f"--{key}") for key, text in texts.items()}


def check_files(settings: Settings) -> None:
    """Refuse a file of weights that is not there; the settings of another machine's run may name its own.

    Raises:
        ConfigError: the file is missing.
    """
    weights = getattr(settings.model, "weights", "none")
    if weights not in ("imagenet", "none") and not Path(weights).is_file():
        raise ConfigError(f"model.weights: expected imagenet, none or a file, received '{weights}'")


def _read_with_parents(path: Path, children: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in children:
        raise ConfigError(f"{path}: 'extends' leads back to this file; remove it in one of them")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(sorted(p.name for p in path.parent.glob("*.yaml")))
        raise ConfigError(f"{path}: cannot be read ({error}); files there: {known or 'none'}") from None
    values = parse_yaml(text, str(path))
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected 'key: value' lines, received {values!r}")
    parent = values.pop("extends", None)
    if parent is None:
        return values
    return merge(_read_with_parents(path.parent / str(parent), (*children, path.resolve())), values)


def _read_purpose(path: Path) -> str:
    """The comment lines on top of a variant's file, as one."""
    comments = takewhile(lambda line: line.startswith("#"), path.read_text(encoding="utf-8-sig").splitlines())
    return " ".join(line.lstrip("# ") for line in comments)


def _check_search(settings: Settings) -> None:
    """Refuse a space with a setting that cannot be searched, or with values that a setting refuses."""
    if (settings.tuner is None) != (settings.search is None):
        raise ConfigError("expected tuner and search together, received only one of them")
    space = settings.search or {}
    searchable = [k for k in known_keys(settings.model.builder) if not k.startswith(NOT_SEARCHED)]
    for key in space:
        if key not in searchable:
            raise ConfigError(
                f"search: '{key}' cannot be searched; did you mean '{nearest(key, searchable)}'?"
            )
    for point in corners(space):
        try:
            settings.at(point)
        except ValidationError as error:
            raise ConfigError(f"search: {_explain(error.errors()[0])}") from None


def _explain(error: ErrorDetails) -> str:
    builder = next((str(part) for part in error["loc"] if part in BUILDERS), None)
    key = ".".join(str(part) for part in error["loc"] if part not in TAGS)
    if error["type"] == "extra_forbidden":
        return f"unknown setting '{key}'; did you mean '{nearest(key, known_keys(builder))}'?"
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        discriminator = error["ctx"]["discriminator"].strip("'")
        known = error["ctx"].get("expected_tags", "one of the known names")
        given = error["ctx"].get("tag", "none")
        return f"{key}.{discriminator}: expected one of {known}, received '{given}'"
    return describe_error(key, error)
