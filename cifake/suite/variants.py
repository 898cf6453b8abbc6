"""Variants by their names."""

import difflib
from pathlib import Path

from cifake.core.errors import ConfigError

FOLDER = Path("experiments")
PARENTS = ("defaults",)  # files there that are no variants


def known_variants() -> list[str]:
    """The names of the variants in ``experiments``."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem not in PARENTS)


def find_file(variant: str) -> Path:
    """A variant's file: named as it is, or by its name in ``experiments``.

    Raises:
        ConfigError: there is no such variant.
    """
    if variant.endswith(".yaml"):
        return Path(variant)
    known = known_variants()
    if variant not in known:
        near = difflib.get_close_matches(variant, known, n=1, cutoff=0.0)
        hint = f"did you mean '{near[0]}'?" if near else f"there is no {FOLDER}/ in this folder"
        raise ConfigError(f"variants: unknown variant '{variant}'; {hint}")
    return FOLDER / f"{variant}.yaml"
