"""Import what every worker needs before its first run."""

import gc
import importlib

MODULES = (
    "tensorflow", "mlflow.keras", "sklearn.metrics", "matplotlib.backends.backend_agg", "pyarrow.parquet",
    "cifake.evaluation.run_figures", "cifake.evaluation.scoring",
    "cifake.models", "cifake.train.pipeline", "cifake.training",
)  # fmt: skip


def import_all() -> None:
    """Import MODULES. This starts no TensorFlow threads and initialises no device."""
    gc.disable()  # a quarter of the time would go to collections, and imports leave no garbage
    try:
        for name in MODULES:
            importlib.import_module(name)
        gc.freeze()  # collections skip all this; in forked processes its pages stay shared
    finally:
        gc.enable()
