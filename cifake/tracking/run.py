"""One run from its start to its end: FINISHED, FAILED or KILLED, never left as RUNNING."""

import contextlib
import logging
from collections.abc import Iterator, Mapping

from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.http_dataset_source import HTTPDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.data.sources import LocalArtifactDatasetSource
from mlflow.entities import Dataset as LoggedDataset
from mlflow.entities import DatasetInput, InputTag
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_PARENT_RUN_ID

from cifake import contract
from cifake.config import Settings, parse_overrides
from cifake.data import Dataset
from cifake.tracking.descriptions import data_mark
from cifake.tracking.identity import code_version, libraries, run_key
from cifake.tracking.mlflow_project import project_run_id
from cifake.tracking.permissions import artifact_errors
from cifake.tracking.process_identity import process_identity
from cifake.tracking.queries import (
    UNFINISHED,
    experiment_id,
    experiment_of,
    newest_run,
    tagged,
    unfinished_run,
)
from cifake.tracking.resume import end_abandoned_runs
from cifake.tracking.retry import client, first_requests, retry_while_unavailable
from cifake.tracking.run_status import create_run, end_failed, end_run, is_generated, name_run
from cifake.tracking.run_values import log_new_params, log_values
from cifake.tracking.store import store_lock
from cifake.tracking.ui import prepare_experiment

logger = logging.getLogger(__name__)
DATA_ADDRESS = "https://www.kaggle.com/datasets/birdy654/cifake-real-and-ai-generated-synthetic-images"


@contextlib.contextmanager
def tracked_run(
    variant: str,
    settings: Settings,
    data: Dataset,
    search: str | None = None,
    parent: str | None = None,
    from_scratch: bool = False,
) -> Iterator[str]:
    """Start a run or resume one, and end it with the status that it deserves.

    It resumes the run of the same settings, seed, data and code that was stopped before its end. Without
    one it uses the run that ``mlflow run`` created, or creates one. The caller makes sure that no two
    processes train the same, see ``only_process``.

    Args:
        variant: its name.
        settings: as resolved.
        data: names the run's data set.
        search: the name of a search; its run is resumed if it was stopped before its end.
        parent: the id of the run that this one belongs to, such as that of a suite.
        from_scratch: resume no run.

    Yields:
        The run's id. The run ends FINISHED; FAILED after an exception, KILLED after Ctrl-C or
        SIGTERM, both with the reason in the tag ``failure``.
    """
    name = f"{data_mark(data.name)}{variant} {settings.split} seed {settings.seed}"
    tags = {  # MLflow shows them in this order: first what a reader looks for
        contract.VARIANT_TAG: variant,
        "split": data.split,
        "dataset": data.name,
        contract.TEST_IMAGES_TAG: str(len(data.test)),
        contract.COLOUR_TAG: contract.variant_colour(variant),
        "dataset_digest": data.digest,
        contract.CONFIG_HASH_TAG: settings.config_hash(),
        contract.RUN_KEY_TAG: run_key(settings, data.digest),
        contract.CODE_VERSION_TAG: code_version(),
        contract.LIBRARIES_TAG: libraries(),
        **process_identity(),
    }
    if search:
        tags[contract.SEARCH_TAG] = search
    if parent:
        tags[MLFLOW_PARENT_RUN_ID] = parent
        run_id = retry_while_unavailable(_start)(name, tags, settings, from_scratch)
    else:
        with first_requests():
            run_id = _start(name, tags, settings, from_scratch)
    try:
        log_values(run_id, tags=tags)
        _log_settings(run_id, variant, settings, data)
        with artifact_errors(client.get_run(run_id).info.artifact_uri):  # before hours of training
            client.log_text(run_id, settings.to_yaml(), contract.CONFIG)
        prepare_experiment(experiment_of(run_id))
        yield run_id
    except BaseException as error:
        end_failed(run_id, error)
        raise
    end_run(run_id)


def _start(name: str, tags: Mapping[str, str], settings: Settings, from_scratch: bool) -> str:
    with store_lock():
        launched = project_run_id()
        experiment = experiment_id()
        if search := tags.get(contract.SEARCH_TAG):
            stopped = newest_run(tagged(contract.SEARCH_TAG, search), UNFINISHED)
        else:
            stopped = unfinished_run(tags[contract.RUN_KEY_TAG])
        if stopped and not from_scratch:
            return _resume(stopped, launched)
        end_abandoned_runs()
        if not launched or _contradicts(launched, settings):
            return create_run(experiment, name, tags)
        given = client.get_run(launched).info.run_name or ""
        marked = f"{data_mark(tags['dataset'])}{given}"  # a name from the user stays
        client.set_tag(launched, contract.NAME_TAG, name if is_generated(given) else marked)
        return launched


def _contradicts(run_id: str, settings: Settings) -> bool:
    """Whether the params that ``mlflow run`` logged are not these settings: the command did not take them."""
    values = settings.flat()
    del values["dataset"], values["dataset_name"]  # resolved
    for key, text in client.get_run(run_id).data.params.items():
        value = values.get(key)
        if isinstance(value, int | float | str) and parse_overrides({key: text})[key] != value:
            logger.warning("run %s has %s=%s, expected %s; a new run is made", run_id, key, text, value)
            return True
    return False


def _resume(stopped: str, launched: str | None) -> str:
    """Resume a run that was stopped; the one that ``mlflow run`` created only refers to it."""
    if launched:
        name_run(launched, "resumed another run")
        log_values(launched, tags={contract.NOTE_TAG: f"It resumed run {stopped}."})
        end_run(launched)
    if contract.FAILURE_TAG in client.get_run(stopped).data.tags:
        client.delete_tag(stopped, contract.FAILURE_TAG)
    client.update_run(stopped, status="RUNNING")
    return stopped


def _log_settings(run_id: str, variant: str, settings: Settings, data: Dataset) -> None:
    params = {"variant": variant, **settings.flat()}
    for key in settings.search or {}:
        del params[key]  # what the search finds is logged at its end, see log_search
    # `mlflow run` has logged what was given with -P, as text; logging other text would fail.
    log_new_params(run_id, params)
    known = {
        contract.CIFAKE: HTTPDatasetSource(DATA_ADDRESS),
        contract.DEMO: CodeDatasetSource({"made_by": "cifake.data.demo"}),
    }
    source = known.get(data.name) or LocalArtifactDatasetSource(data.location)
    logged = LoggedDataset(**MetaDataset(source, name=data.name, digest=data.digest).to_dict())
    client.log_inputs(run_id, [DatasetInput(logged, [InputTag(MLFLOW_DATASET_CONTEXT, "training")])])
