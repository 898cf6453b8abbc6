"""One run from its start to its end: FINISHED, FAILED or KILLED, never left as RUNNING."""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping

import mlflow
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.http_dataset_source import HTTPDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import RunStatus

from cifake.config import Settings
from cifake.data import Dataset
from cifake.tracking.store import set_experiment, store_lock

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


def _start(name: str, data: Dataset) -> str:
    if data.name == "demo":
        name = f"demo: {name}"
    with store_lock():
        if "MLFLOW_RUN_ID" not in os.environ:
            set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT))
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
