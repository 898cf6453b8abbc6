"""Train one variant and track it: python -m cifake.train experiments/base.yaml --split small."""

import logging
import os
import sys
import time

from cifake.config import TransferSettings, require_tensorflow
from cifake.config.command import variant_arguments
from cifake.data import load
from cifake.errors import ConfigError, exit_code
from cifake.launched import launched_run

# Keras Tuner's: who this process is in a search over several, and where its chief listens.
PROCESS_VARIABLES = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")
logger = logging.getLogger(__name__)


def main(words: list[str]) -> None:
    """Train, evaluate and track one variant.

    Settings and data are checked before MLflow and TensorFlow are imported, which takes 10 s.
    """
    start = time.perf_counter()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with launched_run():
        variant, settings = variant_arguments(
            "python -m cifake.train", "Train one variant and track it in MLflow.", words
        )
        _check_processes()
        if settings.adversarial:
            require_tensorflow("adversarial training")
        if isinstance(settings.model, TransferSettings):
            from cifake.models import build_model

            build_model(settings)  # only Keras knows the backbone; its weights may have to be downloaded
        data = load(settings.dataset, settings.split)
    settings = settings.model_copy(update={"dataset": data.name})
    from cifake.pipeline import train

    train(variant, settings, data, start)


def _check_processes() -> None:
    """Keras Tuner's variables of a search over several processes come together."""
    given = [name for name in PROCESS_VARIABLES if name in os.environ]
    missing = [name for name in PROCESS_VARIABLES if name not in os.environ]
    if given and missing:
        raise ConfigError(
            f"{given[0]} is set: expected {' and '.join(missing)}, too; see README on searching"
        )


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
