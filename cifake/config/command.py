"""The command line of everything that takes a variant: FILE and overrides."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from cifake.config.load import load, parse_overrides
from cifake.config.settings import Settings, describe_settings


def variant_arguments(prog: str, description: str, words: Sequence[str]) -> tuple[str, Settings]:
    """Read ``FILE [--KEY VALUE | KEY=VALUE ...]``.

    Returns:
        The variant's name (the file's stem) and its resolved settings.

    Raises:
        ConfigError: see ``load`` and ``parse_overrides``.
    """
    parser = argparse.ArgumentParser(
        prog=prog,
        description=description,
        usage="%(prog)s FILE [--KEY VALUE | KEY=VALUE ...]",
        epilog="settings (values are YAML: 5, 1e-3, [64, 64], null):\n" + _settings_table(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="a variant: experiments/base.yaml")
    arguments, rest = parser.parse_known_args(words)
    settings = load(arguments.file, parse_overrides(rest))
    return arguments.file.stem, settings


def _settings_table() -> str:
    rows = describe_settings()
    width = max(len(key) for key, _ in rows)
    return "\n".join(f"  {key:{width}}  {text}" for key, text in rows)
