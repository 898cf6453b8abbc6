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


def log_report(client: mlflow.MlflowClient, tool: str, name: str, page: str) -> str:
    """Keep a report in a run of its own, or in the one that ``mlflow run`` has made.

    Args:
        client: of the store for a run of its own, which has answered already.
        tool: what made it: ``compare``; becomes the tag ``tool``.
        name: the run's name.
        page: HTML, stored as ``report.html``.

    Returns:
        The run's id.
    """
    run_id = os.environ.get("MLFLOW_RUN_ID")
    if run_id:
        client = mlflow.MlflowClient()  # the run is in MLflow's present store
    else:
        experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        known = client.get_experiment_by_name(experiment)
        experiment_id = known.experiment_id if known else client.create_experiment(experiment)
        run_id = str(client.create_run(experiment_id, run_name=name).info.run_id)
    client.set_tag(run_id, TOOL_TAG, tool)
    try:
        client.log_text(run_id, page, "report.html")
    except BaseException:
        client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id)
    return run_id


def name_project_run(tool: str) -> None:
    """Name the run that ``mlflow run`` has made after the tool that it runs, and tag it so."""
    for tag in (TOOL_TAG, NAME_TAG):
        mlflow.MlflowClient().set_tag(os.environ["MLFLOW_RUN_ID"], tag, tool)


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
