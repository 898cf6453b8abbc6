"""What every worker needs, imported before its first run, without garbage collections in between."""

import gc
import importlib

MODULES = (
    "tensorflow", "mlflow.keras", "sklearn.metrics", "matplotlib.backends.backend_agg", "pyarrow.parquet",
    "cifake.evaluation.figures", "cifake.evaluation.scoring", "cifake.evaluation.classification_report",
    "cifake.models", "cifake.train.pipeline", "cifake.training",
)  # fmt: skip


def import_all() -> None:
    """Import MODULES. It starts no thread of TensorFlow's and no device."""
    gc.disable()  # a quarter of the time would go to looking for garbage, and importing leaves none
    try:
        for name in MODULES:
            importlib.import_module(name)
        gc.freeze()  # collections need not look at all this; in forked processes its pages stay shared
    finally:
        gc.enable()
