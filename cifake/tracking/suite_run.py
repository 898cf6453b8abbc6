"""The run of a suite: it carries the plan, and the suite's own runs belong to it."""

import contextlib
from collections.abc import Iterator, Mapping

from mlflow.entities import RunStatus

from cifake.contract import TOOL_TAG
from cifake.core.errors import RunError
from cifake.tracking.mlflow_project import project_run_id
from cifake.tracking.permissions import artifact_errors
from cifake.tracking.process_identity import process_identity
from cifake.tracking.queries import experiment_id
from cifake.tracking.resume import end_abandoned_runs, end_lost_runs
from cifake.tracking.retry import client, first_requests, without_retries
from cifake.tracking.run_status import create_run, end_failed, end_run, name_run
from cifake.tracking.run_values import log_new_params, log_values
from cifake.tracking.store import store_lock


def open_store() -> str:
    """Create the store and the experiment, which processes that start together could not, and clear up.

    Returns:
        The experiment's name: that of the run that ``mlflow run`` created, or the usual one.
    """
    with store_lock():
        with first_requests():
            experiment = client.get_experiment(experiment_id())
        end_abandoned_runs()
    return str(experiment.name)


@contextlib.contextmanager
def suite_run(name: str, plan: str, options: Mapping[str, object]) -> Iterator[tuple[str, list[str]]]:
    """A run for the suite itself, or the one that ``mlflow run`` created; it holds ``plan.txt``.

    Yields:
        The run's id, and a list for the reasons of failures: with one the run ends FAILED. Ctrl-C and
        SIGTERM end it KILLED, and with it those of its runs that could not record that in time. It has no
        tag ``variant``: it is not a row of a comparison.
    """
    tags = {TOOL_TAG: "suite", **process_identity()}
    with first_requests():
        run_id = project_run_id() or create_run(experiment_id(), name, tags)
    failures: list[str] = []
    try:
        name_run(run_id, name)
        log_values(run_id, tags=tags)
        log_new_params(run_id, options)
        with artifact_errors(client.get_run(run_id).info.artifact_uri):
            client.log_text(run_id, plan, "plan.txt")
        yield run_id, failures
    except BaseException as error:
        end_failed(run_id, error)
        with contextlib.suppress(RunError), without_retries():  # ``end_failed`` has named it
            end_lost_runs(run_id, "its suite was stopped; the same command resumes")
        raise
    end_run(run_id, RunStatus.FAILED if failures else RunStatus.FINISHED, "\n".join(failures))
