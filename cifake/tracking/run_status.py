"""Create runs, name them, and end them as FINISHED, FAILED or KILLED."""

import contextlib
import logging
import operator
from collections.abc import Mapping

import mlflow
from mlflow.entities import LifecycleStage, Run, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.tracking.context.registry import resolve_tags
from mlflow.utils import name_utils
from mlflow.utils.mlflow_tags import MLFLOW_SOURCE_TYPE

from cifake.contract import FAILURE_TAG, NAME_TAG
from cifake.core.addresses import without_password
from cifake.core.errors import RunError, stop_behind
from cifake.tracking.process_identity import is_dead, process_identity
from cifake.tracking.retry import client, first_requests, without_retries
from cifake.tracking.run_values import log_values
from cifake.tracking.store import store_address, store_lock

NO_RUN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # of an unknown or impossible id
logger = logging.getLogger(__name__)


def create_run(experiment: str, name: str, tags: Mapping[str, str]) -> str:
    """Create a run with MLflow's own tags (user, source, commit) and the given ones; its id.

    Tags are set from the first moment, so a run whose id was lost with the answer is found by them.
    """
    run = client.create_run(experiment, run_name=name, tags=resolve_tags(dict(tags)))
    return str(run.info.run_id)


def end_run(
    run_id: str,
    status: int = RunStatus.FINISHED,
    reason: str = "",
    store: mlflow.MlflowClient = client,
) -> None:
    """End a run, with the reason, if there is one, in the tag ``failure``."""
    if reason:
        store.set_tag(run_id, FAILURE_TAG, without_password(reason)[:5000])
    store.set_terminated(run_id, RunStatus.to_string(status))


def status_after(error: BaseException) -> tuple[int, str]:
    """The status of a run that an error ended, FAILED or KILLED, and the reason."""
    error = stop_behind(error) or error
    status = RunStatus.FAILED if isinstance(error, Exception) else RunStatus.KILLED
    return status, f"{type(error).__name__}: {error}".rstrip(": ")


def end_failed(run_id: str, error: BaseException, wait: bool = False, name: str | None = None) -> None:
    """End a run as FAILED or KILLED with the reason, at once or after waiting for an unreachable store.

    ``name`` is given to a run that has none yet.
    """
    try:
        with contextlib.nullcontext() if wait else without_retries():
            end_run(run_id, *status_after(error))
            if name:
                name_run(run_id, name)
    except RunError as refused:  # the caller raises the error, which matters more
        if str(refused) != str(error):  # as of a run that was deleted
            logger.warning("run %s could not be ended; the next command ends it: %s", run_id, refused)


def claim_run(run_id: str) -> str:
    """Tag a run as this process's, if it is running and holds nothing but what ``mlflow run`` has logged.

    Returns:
        Why it is not this process's; empty where it is.
    """
    with first_requests(), store_lock():
        try:
            run = mlflow.MlflowClient().get_run(run_id)
        except MlflowException as error:
            if error.error_code not in NO_RUN:
                raise
            return f"is not in {store_address()}"
        if obstacle := _obstacle(run):
            return obstacle
        log_values(run_id, tags=process_identity())
    return ""


def _obstacle(run: Run) -> str:
    tags = run.data.tags
    if run.info.lifecycle_stage != LifecycleStage.ACTIVE:
        return "is deleted"
    if run.info.status != "RUNNING":
        return f"is {run.info.status}"
    own = process_identity()
    if own.items() <= tags.items():
        return ""
    if own.keys() <= tags.keys() and not is_dead(tags):
        return "belongs to another process"
    is_used = run.data.metrics or any(not name.startswith("mlflow.") for name in tags.keys() - own.keys())
    has_params = run.data.params and tags.get(MLFLOW_SOURCE_TYPE) != "PROJECT"  # those are from -P
    return "holds other results" if is_used or has_params else ""


def name_run(run_id: str, name: str) -> None:
    """Name a run, unless it has a name that MLflow did not make up."""
    if is_generated(client.get_run(run_id).info.run_name or ""):
        client.set_tag(run_id, NAME_TAG, name)


def is_generated(run_name: str) -> bool:
    """Whether MLflow made the name up because the user gave none: ``sassy-snake-12``.

    MLflow keeps no trace of it, so the words are looked up in its private lists.
    """
    words = [name_utils._GENERATOR_PREDICATES, name_utils._GENERATOR_NOUNS, [*map(str, range(1001))]]
    parts = run_name.split("-")
    return not run_name or (len(parts) == 3 and all(map(operator.contains, words, parts)))
