"""One run from its start to its end: FINISHED, FAILED or KILLED, never left as RUNNING."""

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Mapping

import mlflow
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.http_dataset_source import HTTPDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import RunStatus
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from cifake.config import Settings
from cifake.data import Dataset
from cifake.tracking.identity import code_version, run_key
from cifake.tracking.owner import owner_tags
from cifake.tracking.resume import KEY_TAG, end_abandoned_runs, unfinished_run
from cifake.tracking.store import set_experiment, store_lock
from cifake.tracking.trials import FAILURE_TAG, SEARCH_TAG, log_new_params, stopped_search

EXPERIMENT = "cifake"
DATA_ADDRESS = "https://www.kaggle.com/datasets/birdy654/cifake-real-and-ai-generated-synthetic-images"


@contextlib.contextmanager
def tracked_run(
    variant: str,
    settings: Settings,
    data: Dataset,
    search: str | None = None,
    parent: str | None = None,
    anew: bool = False,
) -> Iterator[str]:
    """Start a run, or take one up, and end it as what it became.

    Taken up is the run of the same settings, seed, data and code that did not come to its end, or
    else the run that ``mlflow run`` started. The caller sees to it that no two processes train the
    same, see ``only_process``.

    Args:
        variant: its name.
        settings: as resolved.
        data: names the run's data set.
        search: the name of a search; its run is taken up if it was stopped before its end.
        parent: the id of the run that this one belongs to, such as that of a suite.
        anew: take up no run that was stopped.

    Yields:
        The run's id. The run ends FINISHED; FAILED after an exception, KILLED after Ctrl-C or
        SIGTERM, both with the reason in the tag ``failure``.
    """
    key = run_key(settings, data.digest)
    name = f"{variant} {settings.split} seed {settings.seed}"
    run_id = _start(f"demo: {name}" if data.name == "demo" else name, data, key, search, anew)
    try:
        belongs = {MLFLOW_PARENT_RUN_ID: parent} if parent else {}
        mlflow.set_tags({KEY_TAG: key, "code_version": code_version(), **owner_tags(), **belongs})
        if search:
            mlflow.set_tag(SEARCH_TAG, search)
        _log_settings(variant, settings, data)
        yield run_id
    except BaseException as error:
        _end_failed(run_id, error)
        raise
    mlflow.end_run()


def fail_launched_run(error: BaseException) -> None:
    """Say why in the run that ``mlflow run`` started, for errors before ``tracked_run``."""
    _end_failed(os.environ["MLFLOW_RUN_ID"], error)


def active_run_id() -> str:
    """The id of the run that this process has started."""
    return str(mlflow.active_run().info.run_id)


def epoch_log() -> Callable[[int, Mapping[str, float]], None]:
    """What logs the metrics of one epoch to the active run, as one request.

    Epochs that the run holds already, from a process that was killed, are not logged again.
    """
    run_id = active_run_id()
    logged = {metric.step for metric in mlflow.MlflowClient().get_metric_history(run_id, "train/loss")}

    def log_epoch(epoch: int, metrics: Mapping[str, float]) -> None:
        if epoch not in logged:
            mlflow.log_metrics(dict(metrics), step=epoch, run_id=run_id)

    return log_epoch


def _start(name: str, data: Dataset, key: str, search: str | None, anew: bool) -> str:
    with store_lock():
        launched = os.environ.get("MLFLOW_RUN_ID")
        if not launched:
            set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT))
        stopped = None if anew else stopped_search(search) if search else unfinished_run(key)
        if stopped and stopped != launched:
            return _take_up(stopped, launched)
        end_abandoned_runs()
        if not launched:
            return str(mlflow.start_run(run_name=name).info.run_id)
        run = mlflow.start_run()
    given = run.info.run_name or ""
    if _is_generated(given):
        mlflow.set_tag("mlflow.runName", name)
    elif data.name == "demo":
        mlflow.set_tag("mlflow.runName", f"demo: {given}")
    return str(run.info.run_id)


def _take_up(stopped: str, launched: str | None) -> str:
    """Go on in a run that was stopped; the one just launched only says so."""
    if launched:
        client = mlflow.MlflowClient()
        client.set_tag(launched, "mlflow.runName", "went on with another run")
        client.set_tag(launched, "mlflow.note.content", f"It went on in run {stopped}.")
    run = mlflow.start_run(run_id=stopped)
    if FAILURE_TAG in run.data.tags:
        mlflow.delete_tag(FAILURE_TAG)
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
    for key in settings.search or {}:
        del params[key]  # what the search finds is logged at its end, see log_search
    # `mlflow run` has logged what was given with -P, as text; logging other text would fail.
    log_new_params(active_run_id(), params)
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
