"""What a finished model did on the test part, and the model itself."""

import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from matplotlib.figure import Figure

from cifake import contract
from cifake.config import Settings
from cifake.core.backend import device
from cifake.data import Part
from cifake.tracking.descriptions import describe_run
from cifake.tracking.queries import experiment_of
from cifake.tracking.retry import client, retry_while_unavailable
from cifake.tracking.run_values import log_values
from cifake.tracking.ui import charts_path

EXPORT = "export"  # the artifacts' folder


def log_result(
    run_id: str,
    test: Part,
    scores: np.ndarray,
    metrics: Mapping[str, float],
    figures: Mapping[str, Figure],
    report: str,
    settings: Settings,
) -> None:
    """Log what the finished model did on the test part; ``scores`` are float32 [n], in test order."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / contract.CLASSIFICATION_REPORT).write_text(report, encoding="utf-8")
        pq.write_table(predictions_table(test, scores), folder / contract.PREDICTIONS)
        (folder / contract.FIGURES).mkdir()
        for file, figure in figures.items():
            figure.savefig(folder / contract.FIGURES / file)
        client.log_artifacts(run_id, name)
    dataset = settings.dataset_name or settings.dataset
    charts = charts_path(experiment_of(run_id))
    note = describe_run(settings.purpose, metrics, len(test), dataset, run_id, charts)
    log_values(run_id, metrics, {contract.NOTE_TAG: note, contract.DEVICE_TAG: device()})


@retry_while_unavailable
def log_model(run_id: str, model: Any, export: str | None = None) -> None:
    """Log a model of Keras' own layers with its signature: uint8 [n, 32, 32, 3] to float32 [n, 1].

    ``export``, ``keras`` or ``h5``, also writes it as one file, the artifact ``export/model.<export>``.
    """
    import keras
    import mlflow.keras  # 1 s, and TensorFlow; not needed to start a run
    from mlflow.models import Model, ModelSignature
    from mlflow.types import Schema, TensorSpec

    pixels = TensorSpec(np.dtype("uint8"), (-1, contract.IMAGE_SIDE, contract.IMAGE_SIDE, 3))
    probability = TensorSpec(np.dtype("float32"), (-1, 1))
    backend = keras.backend.backend()
    packages = ("keras", "numpy", {"torch": "torch", "jax": "jax"}.get(backend, "tensorflow"))
    run = client.get_run(run_id)  # Model.log would file the model in the default experiment
    logged = client.create_logged_model(run.info.experiment_id, "model", run_id, params=run.data.params)
    Model.log(  # as mlflow.keras.log_model, which knows the active run alone
        artifact_path=None,
        flavor=mlflow.keras,
        model_id=logged.model_id,
        run_id=run_id,
        model=model,
        signature=ModelSignature(Schema([pixels]), Schema([probability])),
        pip_requirements=[f"{package}=={version(package)}" for package in packages],
    )
    if export:
        log_export(run_id, model, export)


def log_export(run_id: str, model: Any, export: str) -> None:
    """Log a model as one file, the artifact ``export/model.<export>``; ``export`` is ``keras`` or ``h5``."""
    with tempfile.TemporaryDirectory() as name:
        model.save(f"{name}/model.{export}")
        client.log_artifacts(run_id, name, EXPORT)


def lacks_export(run_id: str, export: str | None) -> bool:
    """Whether a run does not hold its model as a file of this kind; never for None."""
    file = f"{EXPORT}/model.{export}"
    return export is not None and file not in [each.path for each in client.list_artifacts(run_id, EXPORT)]


def predictions_table(test: Part, scores: np.ndarray) -> pa.Table:
    """One row for each test image, in test order: path, object, label (1 is FAKE), score."""
    return pa.table(
        [test.paths.tolist(), test.objects.tolist(), test.labels, scores], contract.predictions_schema()
    )
