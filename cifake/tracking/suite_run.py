"""The run of a suite: it carries the plan, and the suite's own runs belong to it."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence

import mlflow
from mlflow.entities import RunStatus

from cifake.contract import EXPERIMENT, FAILURE_TAG, NAME_TAG, TOOL_TAG
from cifake.tracking.process_identity import process_identity
from cifake.tracking.resume import end_abandoned_runs
from cifake.tracking.retry import retry_while_unavailable
from cifake.tracking.run_status import end_active, end_failed
from cifake.tracking.store import first_requests, store_lock
from cifake.tracking.trials import log_new_params, search_runs


def open_store() -> str:
    """Create the store and the experiment, before processes start at once that would; clear up there.

    Returns:
        The experiment's name: that of the run that ``mlflow run`` started, or the usual one.
    """
    with store_lock():
        if launched := os.environ.get("MLFLOW_RUN_ID"):
            experiment = mlflow.get_experiment(mlflow.get_run(launched).info.experiment_id)
            name = str(experiment.name)
        else:
            name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
            with first_requests():
                mlflow.set_experiment(name)
        end_abandoned_runs()
    return name


def earlier_seconds(config_hash: str) -> float | None:
    """Seconds of training, on average over the finished runs of these settings; None without one."""
    found = search_runs(f"tags.config_hash = '{config_hash}' AND attributes.status = 'FINISHED'")
    seconds = [
        run.data.metrics["cost/train_seconds"] for run in found if "cost/train_seconds" in run.data.metrics
    ]
    return sum(seconds) / len(seconds) if seconds else None


@retry_while_unavailable
def experiments_of(run_ids: Sequence[str]) -> list[str]:
    """The names of the experiments that runs are filed in."""
    ids = {mlflow.get_run(run_id).info.experiment_id for run_id in run_ids}
    return sorted(mlflow.get_experiment(number).name for number in ids)


@contextlib.contextmanager
def suite_run(name: str, plan: str, options: Mapping[str, object]) -> Iterator[tuple[str, list[str]]]:
    """A run for the suite itself, or the one that ``mlflow run`` has made.

    Args:
        name: the run's name.
        plan: stored as ``plan.txt``.
        options: logged as params.

    Yields:
        The run's id, and a list for the reasons of what failed: with one the run ends FAILED. Ctrl-C and
        SIGTERM end it KILLED. It has no tag ``variant``: it is no row in a comparison.
    """
    run = mlflow.start_run() if "MLFLOW_RUN_ID" in os.environ else mlflow.start_run(run_name=name)
    run_id = str(run.info.run_id)
    failures: list[str] = []
    try:
        retry_while_unavailable(mlflow.set_tags)({TOOL_TAG: "suite", NAME_TAG: name, **process_identity()})
        log_new_params(run_id, options)
        retry_while_unavailable(mlflow.log_text)(plan, "plan.txt")
        yield run_id, failures
    except BaseException as error:
        end_failed(run_id, error)
        raise
    if failures:
        retry_while_unavailable(mlflow.set_tag)(FAILURE_TAG, "\n".join(failures)[:5000])
    retry_while_unavailable(end_active)(run_id, RunStatus.FAILED if failures else RunStatus.FINISHED)
