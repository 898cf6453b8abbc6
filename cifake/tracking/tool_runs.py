"""Runs of tools: they hold what a command wrote, and are no rows of a comparison."""

import contextlib
import math
import sys
from collections.abc import Mapping
from pathlib import Path

import mlflow

from cifake.contract import TOOL_TAG
from cifake.tracking.mlflow_project import project_run_id
from cifake.tracking.queries import experiment_id
from cifake.tracking.retry import client
from cifake.tracking.run_values import log_values


def log_report(store: mlflow.MlflowClient, tool: str, name: str, page: str) -> str:
    """Keep a report in a run of its own, or in the one that ``mlflow run`` created in the current store.

    Args:
        store: for a run of its own.
        tool: the command, such as ``compare``: the run's tag ``tool``.
        name: the run's name.
        page: HTML, stored as ``report.html``.

    Returns:
        The run's id.
    """
    run_id = project_run_id()
    if run_id:
        store = client
    else:
        run_id = str(store.create_run(experiment_id(store), run_name=name).info.run_id)
    store.set_tag(run_id, TOOL_TAG, tool)
    store.log_text(run_id, page, "report.html")
    with contextlib.redirect_stdout(sys.stderr):  # where MLflow says its address; the report has the other
        store.set_terminated(run_id)
    return run_id


def add_to_run(
    run_id: str, folder: Path, artifact_path: str, metrics: Mapping[str, float], tags: Mapping[str, str]
) -> None:
    """Add a tool's results to a finished run, which stays finished.

    Args:
        run_id: the run.
        folder: its files become artifacts.
        artifact_path: the artifacts' folder.
        metrics: by key; NaN, of an average over nothing, is left out.
        tags: by name.
    """
    client.log_artifacts(run_id, str(folder), artifact_path)
    log_values(run_id, {key: value for key, value in metrics.items() if not math.isnan(value)}, tags)
