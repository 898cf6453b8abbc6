"""What a finished model did on the test part, and the model itself."""

import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from matplotlib.figure import Figure

from cifake.config import Settings
from cifake.contract import CLASSIFICATION_REPORT, CONFIG, FIGURES, NOTE_TAG, PREDICTIONS, predictions_schema
from cifake.data import Part
from cifake.tracking.descriptions import describe_run
from cifake.tracking.retry import retry_while_unavailable


@retry_while_unavailable
def log_result(
    test: Part,
    scores: np.ndarray,
    metrics: Mapping[str, float],
    figures: Mapping[str, Figure],
    report: str,
    settings: Settings,
) -> None:
    """Log what the finished model did on the test part.

    Args:
        test: n images.
        scores: float32 [n], the probability of FAKE.
        metrics: final values by key.
        figures: by file name.
        report: the classification report.
        settings: as resolved.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / CONFIG).write_text(settings.to_yaml())
        (folder / CLASSIFICATION_REPORT).write_text(report)
        pq.write_table(predictions_table(test, scores), folder / PREDICTIONS)
        (folder / FIGURES).mkdir()
        for file, figure in figures.items():
            figure.savefig(folder / FIGURES / file)
        mlflow.log_artifacts(name)
    run_id = mlflow.active_run().info.run_id
    mlflow.set_tag(NOTE_TAG, describe_run(settings.purpose, metrics, len(test), run_id))
    mlflow.log_metrics(dict(metrics))  # last: a repeated call would log it once more


@retry_while_unavailable
def log_model(model: Any, export: str | None = None) -> None:
    """Log a Keras model with its signature: uint8 [n, 32, 32, 3] to float32 [n, 1].

    Args:
        model: consists of Keras' own layers.
        export: ``keras`` or ``h5`` also writes it as one file, the artifact ``export/model.<export>``.
    """
    import keras
    import mlflow.keras  # 1 s, and TensorFlow; not needed to start a run
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    pixels = TensorSpec(np.dtype("uint8"), (-1, 32, 32, 3))
    probability = TensorSpec(np.dtype("float32"), (-1, 1))
    backend = keras.backend.backend()
    packages = ("keras", "numpy", {"torch": "torch", "jax": "jax"}.get(backend, "tensorflow"))
    mlflow.keras.log_model(
        model,
        name="model",
        signature=ModelSignature(Schema([pixels]), Schema([probability])),
        pip_requirements=[f"{package}=={version(package)}" for package in packages],
    )
    if export:
        with tempfile.TemporaryDirectory() as name:
            model.save(f"{name}/model.{export}")
            mlflow.log_artifacts(name, "export")


def predictions_table(test: Part, scores: np.ndarray) -> pa.Table:
    """One row a test image, in test order: path, object, label (1 is FAKE), score."""
    return pa.table([test.paths.tolist(), test.objects.tolist(), test.labels, scores], predictions_schema())
