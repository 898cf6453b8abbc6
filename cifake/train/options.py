"""Options of a training: a variant file, its settings, and Keras Tuner's own environment variables."""

import os
from collections.abc import Sequence

from cifake.config import Settings
from cifake.config.options import parse as parse_variant
from cifake.core.backend import require_tensorflow
from cifake.core.errors import ConfigError

# Keras Tuner's: who this process is in a search over several, and where its chief listens.
PROCESS_VARIABLES = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")


def parse(argv: Sequence[str]) -> tuple[str, Settings]:
    """Read the command line.

    Returns:
        The variant's name and its resolved settings.

    Raises:
        ConfigError: settings that cannot be used, here or with this backend.
    """
    variant, settings = parse_variant(
        argv, "python -m cifake.train", "Train one variant and track it in MLflow."
    )
    given = [name for name in PROCESS_VARIABLES if name in os.environ]
    missing = [name for name in PROCESS_VARIABLES if name not in os.environ]
    if given and missing:
        raise ConfigError(f"{given[0]} is set: expected {' and '.join(missing)}, too; see docs/searching.md")
    if settings.adversarial:
        require_tensorflow("adversarial training")
    return variant, settings
