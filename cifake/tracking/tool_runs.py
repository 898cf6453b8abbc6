"""Runs of tools: they hold what a command wrote, and are no rows of a comparison."""

import math
from collections.abc import Mapping
from pathlib import Path

import mlflow

from cifake.contract import TOOL_TAG
from cifake.tracking.mlflow_project import project_run_id
from cifake.tracking.queries import experiment_id
from cifake.tracking.retry import client
from cifake.tracking.run_values import log_values


def log_report(store: mlflow.MlflowClient, tool: str, name: str, page: str) -> None:
    """Keep a report as ``report.html`` in the run that ``mlflow run`` created, or in one of its own.

    Args:
        store: for a run of its own; the other is in the current store.
        tool: the command, such as ``compare``: the run's tag ``tool``.
        name: the run's name.
        page: HTML.
    """
    if run_id := project_run_id():  # it has its tag, and ends with the command
        client.log_text(run_id, page, "report.html")
        return
    run = store.create_run(experiment_id(store), run_name=name, tags={TOOL_TAG: tool})
    store.log_text(run.info.run_id, page, "report.html")
    store.set_terminated(run.info.run_id)


def add_to_run(
    run_id: str, folder: Path, artifact_path: str, metrics: Mapping[str, float], tags: Mapping[str, str]
) -> None:
    """Add a tool's results to a finished run, which stays finished.

    The files of ``folder`` become artifacts. A metric that is NaN, an average over nothing, is left out.
    """
    client.log_artifacts(run_id, str(folder), artifact_path)
    log_values(run_id, {key: value for key, value in metrics.items() if not math.isnan(value)}, tags)
