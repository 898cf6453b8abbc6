"""What every worker needs, imported once by the process that workers are forked from; see ``workers``.

To be imported by that process alone: from here on what it says goes to the workers' log. Importing these
modules starts no thread of TensorFlow's and no device.
"""

import gc
import importlib
import os

from cifake.suite.worker import worker_log

MODULES = (
    "tensorflow", "mlflow.keras", "sklearn.metrics", "matplotlib.backends.backend_agg", "pyarrow.parquet",
    "cifake.evaluation.figures", "cifake.evaluation.predict", "cifake.evaluation.report",
    "cifake.models", "cifake.pipeline", "cifake.training",
)  # fmt: skip

with worker_log().open("a") as stream:
    os.dup2(stream.fileno(), 1)  # whoever reads what the suite prints does not wait for this process
    os.dup2(stream.fileno(), 2)
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
gc.disable()  # a quarter of the time would go to looking for what importing never leaves: garbage
for name in MODULES:
    importlib.import_module(name)
gc.freeze()  # a collection in a worker need not look at all this, and leaves its pages shared
gc.enable()
