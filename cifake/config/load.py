"""From a variant file, its parents and overrides to checked settings."""

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cifake.config.settings import Settings, known_keys
from cifake.errors import ConfigError


class _Loader(yaml.SafeLoader):
    """YAML 1.1 reads 1e-3 as text; people who write it mean a number."""


_Loader.yaml_implicit_resolvers = {
    first: list(resolvers) for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def load(path: Path | str, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Resolve a variant file with its parents, then overrides, and check the result.

    Args:
        path: a variant's YAML file.
        overrides: values by dotted key, such as ``{"model.filters": [64, 64]}``.

    Raises:
        ConfigError: a missing file, a cycle of parents, an unknown key or a bad value.
    """
    values = _read_with_parents(Path(path), ())
    for key, value in (overrides or {}).items():
        values = _merge(values, _nest(key, value))
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{path}: {'; '.join(map(_explain, error.errors()))}") from None


def parse_overrides(words: Sequence[str]) -> dict[str, Any]:
    """Read ``--epochs 5``, ``--epochs=5`` and ``epochs=5``; values are YAML.

    Raises:
        ConfigError: a word that is none of these, or a key without a value.
    """
    overrides: dict[str, Any] = {}
    remaining = list(words)
    while remaining:
        word = remaining.pop(0)
        key, equals, text = word.removeprefix("--").partition("=")
        if not equals:
            if not word.startswith("--") or not remaining:
                raise ConfigError(f"expected --key value or key=value, received '{word}' alone")
            text = remaining.pop(0)
        overrides[key.replace("-", "_")] = _parse_yaml(text, f"--{key}")
    return overrides


def _read_with_parents(path: Path, children: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in children:
        raise ConfigError(f"{path}: 'extends' leads back to this file; remove it in one of them")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(sorted(p.name for p in path.parent.glob("*.yaml")))
        raise ConfigError(f"{path}: cannot be read ({error}); files there: {known or 'none'}") from None
    values = _parse_yaml(text, str(path))
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected 'key: value' lines, received {values!r}")
    parent = values.pop("extends", None)
    if parent is None:
        return values
    return _merge(_read_with_parents(path.parent / str(parent), (*children, path.resolve())), values)


def _parse_yaml(text: str, source: str) -> Any:
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506, a SafeLoader
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{source}: not valid YAML ({reason})") from None


def _merge(parent: dict[str, Any], child: dict[str, Any]) -> dict[str, Any]:
    """Child keys win; mappings merge, except that another builder starts afresh."""
    merged = dict(parent)
    for key, value in child.items():
        old = merged.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            same_builder = value.get("builder", old.get("builder")) == old.get("builder")
            value = _merge(old, value) if same_builder else value
        merged[key] = value
    return merged


def _nest(key: str, value: Any) -> dict[str, Any]:
    head, _, rest = key.partition(".")
    return {head: _nest(rest, value) if rest else value}


def _explain(error: ErrorDetails) -> str:
    """One pydantic error as: key, what was expected, what came."""
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return f"{key}: expected a value, received none"
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, known_keys(), n=1, cutoff=0.0)
        return f"unknown setting '{key}'; did you mean '{near[0]}'?"
    if error["type"] == "value_error":
        return f"{key}: {error['ctx']['error']}"
    expected = error["msg"].removeprefix("Input should be ")
    return f"{key}: expected {expected}, received {error['input']!r}"
