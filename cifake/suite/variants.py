"""Find the files of variants by name."""

from pathlib import Path

from cifake.core.errors import ConfigError
from cifake.core.nearest import nearest

FOLDER = Path("experiments")


def known_variants() -> list[str]:
    """The names of the variants in ``experiments``."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != "defaults")


def find_file(variant: str) -> Path:
    """The file of a variant, which is a path that ends in ``.yaml`` or a name in ``experiments``.

    Raises:
        ConfigError: an unknown name.
    """
    if variant.endswith(".yaml"):
        return Path(variant)
    known = known_variants()
    if variant not in known:
        hint = (
            f"did you mean '{nearest(variant, known)}'?" if known else f"there is no {FOLDER}/ in this folder"
        )
        raise ConfigError(f"variants: unknown variant '{variant}'; {hint}")
    return FOLDER / f"{variant}.yaml"
