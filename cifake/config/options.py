"""Command line of a command that takes a variant: its file, and any settings."""

from collections.abc import Sequence
from pathlib import Path

from cifake.cli.grammar import last_texts, split_words
from cifake.cli.help import print_help_if_asked
from cifake.config.load import check_files, load, parse_overrides
from cifake.config.settings import Settings, describe_settings
from cifake.core.errors import ConfigError


def parse(argv: Sequence[str], program: str, summary: str) -> tuple[str, Settings]:
    """The variant's name, which is the file's stem, and its settings, from ``FILE [--KEY VALUE ...]``.

    Raises:
        ConfigError: not one variant, a setting that ``load`` refuses, or a file that is missing.
    """
    print_help_if_asked(
        argv, f"{program} FILE",
        f"{summary} FILE is a variant: experiments/base.yaml. Values are YAML: 5, 1e-3, [64, 64], null.",
        describe_settings(),
    )  # fmt: skip
    files, texts = split_words(argv)
    if len(files) != 1:
        received = " and ".join(files) or "none"
        raise ConfigError(f"expected one variant file, such as experiments/base.yaml, received {received}")
    path = Path(files[0])
    settings = load(path, parse_overrides(last_texts(texts)))
    check_files(settings)
    return path.stem, settings
