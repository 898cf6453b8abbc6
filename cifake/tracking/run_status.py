"""Create runs, name them, and end them as FINISHED, FAILED or KILLED."""

import contextlib
import logging
import operator
from collections.abc import Mapping

from mlflow.entities import RunStatus
from mlflow.tracking.context.registry import resolve_tags
from mlflow.utils import name_utils

from cifake.contract import FAILURE_TAG, NAME_TAG, TOOL_TAG
from cifake.core.addresses import without_password
from cifake.core.errors import RunError, stop_behind
from cifake.tracking.retry import client, first_requests, without_retries

logger = logging.getLogger(__name__)


def create_run(experiment: str, name: str, tags: Mapping[str, str]) -> str:
    """Create a run with MLflow's own tags (user, source, commit) and the given ones; its id.

    Tags are set from the first moment, so a run whose id was lost with the answer is found by them.
    """
    run = client.create_run(experiment, run_name=name, tags=resolve_tags(dict(tags)))
    return str(run.info.run_id)


def end_run(run_id: str, status: int = RunStatus.FINISHED, reason: str = "") -> None:
    """End a run, with the reason, if there is one, in the tag ``failure``."""
    if reason:
        client.set_tag(run_id, FAILURE_TAG, without_password(reason)[:5000])
    client.set_terminated(run_id, RunStatus.to_string(status))


def end_failed(run_id: str, error: BaseException, wait: bool = False, name: str | None = None) -> None:
    """End a run as FAILED or KILLED with the reason, at once or after waiting for an unreachable store.

    ``name`` is given to a run that has none yet.
    """
    error = stop_behind(error) or error
    status = RunStatus.FAILED if isinstance(error, Exception) else RunStatus.KILLED
    try:
        with contextlib.nullcontext() if wait else without_retries():
            end_run(run_id, status, f"{type(error).__name__}: {error}".rstrip(": "))
            if name:
                name_run(run_id, name)
    except RunError as refused:  # the caller raises the error, which matters more
        if str(refused) != str(error):  # as of a run that was deleted
            logger.warning("run %s could not be ended; the next command ends it: %s", run_id, refused)


def tag_tool(run_id: str, tool: str) -> None:
    """Tag the run that ``mlflow run`` created with its tool."""
    with first_requests():
        client.set_tag(run_id, TOOL_TAG, tool)


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
