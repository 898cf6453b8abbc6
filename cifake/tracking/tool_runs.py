"""Runs of tools: they hold what a command wrote, and are no rows in a comparison."""

import math
import os
from collections.abc import Mapping
from pathlib import Path

import mlflow
from mlflow.entities import Metric, RunTag
from mlflow.utils.time import get_current_time_millis

from cifake.contract import EXPERIMENT, NAME_TAG, TOOL_TAG
from cifake.tracking.retry import retry_while_unavailable
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
        mlflow.set_tag(TOOL_TAG, tool)
        mlflow.log_text(page, "report.html")
    return str(run.info.run_id)


def tag_project_run(tool: str) -> None:
    """Name the run that ``mlflow run`` has made after the tool that it runs, and tag it so."""
    for tag in (TOOL_TAG, NAME_TAG):
        mlflow.MlflowClient().set_tag(os.environ["MLFLOW_RUN_ID"], tag, tool)


def rename_project_run(name: str) -> None:
    """Give the run that ``mlflow run`` has made a name, if it has none but its tool's."""
    run = mlflow.get_run(os.environ["MLFLOW_RUN_ID"])
    if run.info.run_name == run.data.tags.get(TOOL_TAG):
        mlflow.MlflowClient().set_tag(run.info.run_id, NAME_TAG, name)


@retry_while_unavailable
def add_to_run(
    run_id: str, folder: Path, artifact_path: str, metrics: Mapping[str, float], tags: Mapping[str, str]
) -> None:
    """Add what a tool found out to a finished run, which stays finished.

    Args:
        run_id: of the run.
        folder: its files become artifacts.
        artifact_path: where.
        metrics: by key; those that are no number, since there was nothing to average, are left out.
        tags: by name.
    """
    client, now = mlflow.MlflowClient(), get_current_time_millis()
    client.log_artifacts(run_id, str(folder), artifact_path)
    client.log_batch(
        run_id,
        metrics=[Metric(key, value, now, 0) for key, value in metrics.items() if not math.isnan(value)],
        tags=[RunTag(key, value) for key, value in tags.items()],
    )
