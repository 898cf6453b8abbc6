"""End runs: FINISHED, FAILED or KILLED, with the reason; never left as RUNNING where the store answers."""

import logging
import os

import mlflow
from mlflow.entities import RunStatus
from mlflow.exceptions import MlflowException

from cifake.contract import FAILURE_TAG
from cifake.core.errors import stop_behind
from cifake.tracking.store import quick_requests

logger = logging.getLogger(__name__)


def end_active(run_id: str, status: int) -> None:
    """End a run, the active one; once more where that failed: then it is not active any more."""
    if mlflow.active_run():
        mlflow.end_run(RunStatus.to_string(status))
    else:
        mlflow.MlflowClient().set_terminated(run_id, RunStatus.to_string(status))


def end_run(run_id: str, status: int, reason: str) -> None:
    """End a run that is not the active one, with the reason in the tag ``failure``."""
    mlflow.MlflowClient().set_tag(run_id, FAILURE_TAG, reason[:5000])
    mlflow.MlflowClient().set_terminated(run_id, RunStatus.to_string(status))


def end_failed(run_id: str, error: BaseException) -> None:
    """End a run FAILED or KILLED with the reason; without waiting for a store that is away."""
    error = stop_behind(error) or error
    status = RunStatus.FAILED if isinstance(error, Exception) else RunStatus.KILLED
    reason = f"{type(error).__name__}: {error}".rstrip(": ")
    try:
        with quick_requests():
            end_active(run_id, status)
            mlflow.MlflowClient().set_tag(run_id, FAILURE_TAG, reason[:5000])
    except MlflowException as unanswered:  # what ended the run matters more, and follows
        logger.warning("run %s could not be ended, the next command does it: %s", run_id, unanswered)


def fail_project_run(error: BaseException) -> None:
    """Say why in the run that ``mlflow run`` started, for errors before ``tracked_run``."""
    end_failed(os.environ["MLFLOW_RUN_ID"], error)
