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
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from cifake.config import Settings
from cifake.contract import (
    CODE_VERSION_TAG,
    COLOUR_TAG,
    CONFIG_HASH_TAG,
    EXPERIMENT,
    FAILURE_TAG,
    NAME_TAG,
    NOTE_TAG,
    RUN_KEY_TAG,
    SEARCH_TAG,
    TEST_IMAGES_TAG,
    VARIANT_TAG,
    variant_colour,
)
from cifake.data import Dataset
from cifake.tracking.identity import code_version, run_key
from cifake.tracking.process_identity import process_identity
from cifake.tracking.resume import end_abandoned_runs, unfinished_run
from cifake.tracking.retry import EpochLog, retry_while_unavailable
from cifake.tracking.run_status import end_active, end_failed
from cifake.tracking.store import first_requests, store_lock
from cifake.tracking.trials import log_new_params, stopped_search
from cifake.tracking.ui import experiment_of, prepare_experiment

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
    name = f"demo: {name}" if data.name == "demo" else name
    launched = os.environ.get("MLFLOW_RUN_ID")
    # MLflow shows tags in this order: first what a reader looks for.
    tags = {
        **_metadata(variant, settings, data),
        RUN_KEY_TAG: key, CODE_VERSION_TAG: code_version(), **process_identity(),
    }  # fmt: skip
    if search:
        tags[SEARCH_TAG] = search
    if parent:
        run_id = retry_while_unavailable(_start)(name, tags, search, anew)
    else:
        with first_requests():
            run_id = _start(name, tags, search, anew)
    try:
        if run_id == launched:
            _rename(name, data)
        belongs = {MLFLOW_PARENT_RUN_ID: parent} if parent else {}
        retry_while_unavailable(mlflow.set_tags)({**tags, **belongs})
        _log_settings(variant, settings, data)
        prepare_experiment(experiment_of(run_id))
        yield run_id
    except BaseException as error:
        end_failed(run_id, error)
        raise
    retry_while_unavailable(end_active)(run_id, RunStatus.FINISHED)


def epoch_log() -> EpochLog:
    """What logs the metrics of one epoch to the active run, as one request."""
    return EpochLog(active_run_id())


def active_run_id() -> str:
    """The id of the run that this process has started."""
    return str(mlflow.active_run().info.run_id)


def _start(name: str, tags: Mapping[str, str], search: str | None, anew: bool) -> str:
    with store_lock():
        launched = os.environ.get("MLFLOW_RUN_ID")
        if not launched:
            mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT))
        stopped = None if anew else stopped_search(search) if search else unfinished_run(tags[RUN_KEY_TAG])
        if stopped and stopped != launched:
            return _take_up(stopped, launched)
        end_abandoned_runs()
        # With its tags from the first moment: a run whose making was interrupted is found again.
        run = mlflow.start_run() if launched else mlflow.start_run(run_name=name, tags=tags)
        return str(run.info.run_id)


@retry_while_unavailable
def _rename(name: str, data: Dataset) -> None:
    """Give the run that ``mlflow run`` started a name, unless somebody has."""
    given = mlflow.active_run().info.run_name or ""
    if _is_generated(given):
        mlflow.set_tag(NAME_TAG, name)
    elif data.name == "demo":
        mlflow.set_tag(NAME_TAG, f"demo: {given}")


def _take_up(stopped: str, launched: str | None) -> str:
    """Go on in a run that was stopped; the one just launched only says so."""
    client = mlflow.MlflowClient()
    if launched:
        client.set_tag(launched, NAME_TAG, "went on with another run")
        client.set_tag(launched, NOTE_TAG, f"It went on in run {stopped}.")
    if FAILURE_TAG in client.get_run(stopped).data.tags:
        client.delete_tag(stopped, FAILURE_TAG)
    return str(mlflow.start_run(run_id=stopped).info.run_id)


def _is_generated(run_name: str) -> bool:
    """Whether MLflow made the name up, such as ``sassy-snake-12``, because nobody gave one."""
    return re.fullmatch(r"[a-z]+-[a-z]+-\d{1,3}", run_name) is not None


def _metadata(variant: str, settings: Settings, data: Dataset) -> dict[str, str]:
    return {
        VARIANT_TAG: variant,
        "split": data.split,
        "dataset": data.name,
        TEST_IMAGES_TAG: str(len(data.test)),
        COLOUR_TAG: variant_colour(variant),
        "dataset_digest": data.digest,
        CONFIG_HASH_TAG: settings.config_hash(),
    }


@retry_while_unavailable
def _log_settings(variant: str, settings: Settings, data: Dataset) -> None:
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
