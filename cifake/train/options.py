"""Options of a training: a variant file, its settings, and Keras Tuner's environment variables."""

import os
from collections.abc import Sequence

from cifake.config import Settings
from cifake.config.options import parse as parse_variant
from cifake.core.backend import require_backend
from cifake.core.errors import ConfigError

# Keras Tuner's: the name of this process in a search shared by several, and where its chief listens.
PROCESS_VARIABLES = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")


def parse(argv: Sequence[str]) -> tuple[str, Settings]:
    """The variant's name and its resolved settings, which this backend supports.

    Raises:
        ConfigError: a setting or a variable of the environment that cannot be used.
    """
    variant, settings = parse_variant(
        argv, "python -m cifake.train", "Train one variant and track it in MLflow."
    )
    missing = [name for name in PROCESS_VARIABLES if name not in os.environ]
    if 0 < len(missing) < len(PROCESS_VARIABLES):
        present = next(name for name in PROCESS_VARIABLES if name in os.environ)
        raise ConfigError(f"{present} is set: expected {' and '.join(missing)}, too; see docs/searching.md")
    if settings.adversarial:
        require_backend("adversarial training", "tensorflow")
    return variant, settings
