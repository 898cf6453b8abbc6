"""Nested mappings and dotted keys."""

from collections.abc import Mapping
from typing import Any


def merge(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two mappings; the child's keys win. Another builder or type replaces the whole mapping."""
    merged = dict(parent)
    for key, value in child.items():
        old = merged.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            same_kind = all(value.get(kind, old.get(kind)) == old.get(kind) for kind in ("builder", "type"))
            value = merge(old, value) if same_kind else value
        merged[key] = value
    return merged


def nest(key: str, value: Any) -> dict[str, Any]:
    """``{"a": {"b": value}}`` from ``a.b``."""
    head, _, rest = key.partition(".")
    return {head: nest(rest, value) if rest else value}


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"a.b": value}`` from ``{"a": {"b": value}}``."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
