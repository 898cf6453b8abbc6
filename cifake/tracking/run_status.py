"""Create runs and end them as FINISHED, FAILED or KILLED; none stays RUNNING where the store answers."""

import contextlib
import logging
from collections.abc import Mapping

from mlflow.entities import RunStatus
from mlflow.exceptions import MlflowException
from mlflow.tracking.context.registry import resolve_tags

from cifake.contract import FAILURE_TAG
from cifake.core.errors import stop_behind
from cifake.tracking.retry import client, without_retries

logger = logging.getLogger(__name__)


def create_run(experiment: str, name: str, tags: Mapping[str, str]) -> str:
    """Create a run with MLflow's own tags (user, source, commit) and the given ones.

    Args:
        experiment: the experiment's id.
        name: the run's name.
        tags: set from the first moment, so a run whose id was lost with the answer is found by them.

    Returns:
        The run's id.
    """
    run = client.create_run(experiment, run_name=name, tags=resolve_tags(dict(tags)))
    return str(run.info.run_id)


def end_run(run_id: str, status: int = RunStatus.FINISHED, reason: str = "") -> None:
    """End a run, with the reason, if there is one, in the tag ``failure``."""
    if reason:
        client.set_tag(run_id, FAILURE_TAG, reason[:5000])
    client.set_terminated(run_id, RunStatus.to_string(status))


def end_failed(run_id: str, error: BaseException, wait: bool = False) -> None:
    """End a run as FAILED or KILLED with the reason, at once or after waiting for an unreachable store."""
    error = stop_behind(error) or error
    status = RunStatus.FAILED if isinstance(error, Exception) else RunStatus.KILLED
    try:
        with contextlib.nullcontext() if wait else without_retries():
            end_run(run_id, status, f"{type(error).__name__}: {error}".rstrip(": "))
    except MlflowException as unanswered:  # the caller raises the error, which matters more
        logger.warning("run %s could not be ended; the next command ends it: %s", run_id, unanswered)
