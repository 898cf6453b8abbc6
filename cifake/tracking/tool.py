"""Runs of tools: they hold what a command wrote, and are no rows in a comparison."""

import contextlib
import os
from collections.abc import Iterator

import mlflow

from cifake.errors import CifakeError
from cifake.tracking.run import EXPERIMENT, fail_launched_run
from cifake.tracking.store import set_experiment, store_lock


def log_report(tool: str, name: str, page: str) -> str:
    """Keep a report in a run of its own, or in the one that ``mlflow run`` has made.

    Args:
        tool: what made it: ``compare``; becomes the tag ``tool``.
        name: the run's name.
        page: HTML, stored as ``report.html``.

    Returns:
        The run's id.
    """
    with store_lock():
        if "MLFLOW_RUN_ID" in os.environ:
            run = mlflow.start_run()
        else:
            set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT))
            run = mlflow.start_run(run_name=name)
    with run:
        mlflow.set_tag("tool", tool)
        mlflow.log_text(page, "report.html")
    return str(run.info.run_id)


@contextlib.contextmanager
def tool_run(tool: str, name: str) -> Iterator[None]:
    """Say in the run that ``mlflow run`` has made what it is of, and why it failed; without one, nothing.

    Args:
        tool: what runs: ``predict``; becomes the tag ``tool``.
        name: the run's name.
    """
    launched = os.environ.get("MLFLOW_RUN_ID")
    if launched:
        client = mlflow.MlflowClient()
        client.set_tag(launched, "tool", tool)
        client.set_tag(launched, "mlflow.runName", name)
    try:
        yield
    except CifakeError as error:
        if launched:
            fail_launched_run(error)
        raise
