"""Runs of tools: they hold what a command wrote, and are no rows in a comparison."""

import os

import mlflow

from cifake.tracking.run import EXPERIMENT
from cifake.tracking.store import first_requests, store_lock


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
            with first_requests():
                mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT))
            run = mlflow.start_run(run_name=name)
    with run:
        mlflow.set_tag("tool", tool)
        mlflow.log_text(page, "report.html")
    return str(run.info.run_id)
