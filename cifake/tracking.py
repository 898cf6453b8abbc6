"""Write runs to MLflow; the only module that does. What a run holds is the run contract."""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import filelock
import mlflow
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from matplotlib.figure import Figure
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.http_dataset_source import HTTPDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import RunStatus

from cifake.config import Settings
from cifake.data import Dataset, Part

EXPERIMENT = "cifake"
DATA_ADDRESS = "https://www.kaggle.com/datasets/birdy654/cifake-real-and-ai-generated-synthetic-images"
FAILURE_TAG = "failure"


@contextlib.contextmanager
def tracked_run(variant: str, settings: Settings, data: Dataset) -> Iterator[str]:
    """Start a run, or take up the one that ``mlflow run`` started, and end it as what it became.

    Yields:
        The run's id. The run ends FINISHED; FAILED after an exception, KILLED after Ctrl-C or
        SIGTERM, both with the reason in the tag ``failure``.
    """
    run_id = _start(f"{variant} {settings.split} seed {settings.seed}", data)
    try:
        _log_settings(variant, settings, data)
        yield run_id
    except BaseException as error:
        _end_failed(run_id, error)
        raise
    mlflow.end_run()


def fail_launched_run(error: BaseException) -> None:
    """Say why in the run that ``mlflow run`` started, for errors before ``tracked_run``."""
    _end_failed(os.environ["MLFLOW_RUN_ID"], error)


def log_epoch(epoch: int, metrics: Mapping[str, float]) -> None:
    """Log the metrics of one epoch, as one request."""
    mlflow.log_metrics(dict(metrics), step=epoch)


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
    mlflow.log_metrics(dict(metrics))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.yaml").write_text(settings.to_yaml())
        (folder / "classification_report.txt").write_text(report)
        pq.write_table(predictions_table(test, scores), folder / "predictions.parquet")
        (folder / "figures").mkdir()
        for file, figure in figures.items():
            figure.savefig(folder / "figures" / file)
        mlflow.log_artifacts(name)
    mlflow.set_tag("mlflow.note.content", _note(metrics, len(test)))


def log_model(model: Any) -> None:
    """Log a Keras model with its signature: uint8 [n, 32, 32, 3] to float32 [n, 1]."""
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
        pip_requirements=[f"{package}=={_version(package)}" for package in packages],
    )


def predictions_table(test: Part, scores: np.ndarray) -> pa.Table:
    """One row a test image, in test order: path, object, label (1 is FAKE), score."""
    return pa.table(
        {
            "path": pa.array(test.paths.tolist(), pa.string()),
            "object": pa.array(test.objects.tolist(), pa.string()),
            "label": pa.array(test.labels, pa.int8()),
            "score": pa.array(scores, pa.float32()),
        }
    )


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)


def _start(name: str, data: Dataset) -> str:
    if data.name == "demo":
        name = f"demo: {name}"
    with _store_lock():
        if "MLFLOW_RUN_ID" not in os.environ:
            mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT))
            return str(mlflow.start_run(run_name=name).info.run_id)
        run = mlflow.start_run()
    given = run.info.run_name or ""
    if _is_generated(given):
        mlflow.set_tag("mlflow.runName", name)
    elif data.name == "demo":
        mlflow.set_tag("mlflow.runName", f"demo: {given}")
    return str(run.info.run_id)


def _is_generated(run_name: str) -> bool:
    """Whether MLflow made the name up, such as ``sassy-snake-12``, because nobody gave one."""
    return re.fullmatch(r"[a-z]+-[a-z]+-\d{1,3}", run_name) is not None


@contextlib.contextmanager
def _store_lock() -> Iterator[None]:
    """Processes that create the same SQLite store at once crash in its migrations: take turns."""
    uri = mlflow.get_tracking_uri()
    if not uri.startswith("sqlite:///"):
        yield
        return
    with filelock.FileLock(f"{uri.removeprefix('sqlite:///')}.lock"):
        mlflow.MlflowClient().search_experiments(max_results=1)
        yield


def _log_settings(variant: str, settings: Settings, data: Dataset) -> None:
    mlflow.set_tags(
        {
            "variant": variant,
            "config_hash": settings.config_hash(),
            "dataset": data.name,
            "dataset_digest": data.digest,
            "split": data.split,
            "test_images": len(data.test),
        }
    )
    params = {"variant": variant, **settings.flat()}
    # `mlflow run` has logged what was given with -P, as text; logging other text would fail.
    already = mlflow.get_run(mlflow.active_run().info.run_id).data.params
    mlflow.log_params({key: value for key, value in params.items() if key not in already})
    source = (
        HTTPDatasetSource(DATA_ADDRESS)
        if data.name == "cifake"
        else CodeDatasetSource({"made_by": "cifake.data.demo"})
    )
    mlflow.log_input(MetaDataset(source, name=data.name, digest=data.digest), context="training")


def _end_failed(run_id: str, error: BaseException) -> None:
    status = RunStatus.FAILED if isinstance(error, Exception) else RunStatus.KILLED
    reason = f"{type(error).__name__}: {error}".rstrip(": ")
    mlflow.MlflowClient().set_tag(run_id, FAILURE_TAG, reason[:5000])
    if mlflow.active_run():
        mlflow.end_run(RunStatus.to_string(status))
    else:
        mlflow.MlflowClient().set_terminated(run_id, RunStatus.to_string(status))


def _note(metrics: Mapping[str, float], n: int) -> str:
    names = ("accuracy", "precision", "recall", "f1", "roc_auc")
    rows = "".join(f"| {name} | {metrics[f'test/{name}']:.4f} |\n" for name in names)
    about = f"Test images: {n:,}. The positive class is FAKE, the threshold 0.5."
    return f"{about}\n\n| metric | test |\n|---|---|\n{rows}"
