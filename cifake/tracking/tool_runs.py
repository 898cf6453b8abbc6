"""Runs of tools: they hold what a command wrote, and are not rows of a comparison."""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import mlflow

from cifake.contract import TOOL_TAG
from cifake.tracking.mlflow_project import project_run_id
from cifake.tracking.permissions import expect_writable
from cifake.tracking.queries import experiment_id
from cifake.tracking.retry import client
from cifake.tracking.run_status import end_run, status_after
from cifake.tracking.run_values import log_values


@contextlib.contextmanager
def report_run(own: mlflow.MlflowClient, tool: str, name: str) -> Iterator[Callable[[str], None]]:
    """A run for a report: one of its own, or that which ``mlflow run`` created in the current store.

    Yields:
        What stores the report, given as HTML, as ``report.html``.

    Raises:
        RunError: nothing can be written there, said at once.
    """
    if run_id := project_run_id():  # ``mlflow_project_run`` tags it, and ends it
        expect_writable(run_id, client)
        yield lambda page: client.log_text(run_id, page, "report.html")
        return
    run_id = str(own.create_run(experiment_id(own), run_name=name, tags={TOOL_TAG: tool}).info.run_id)
    try:
        expect_writable(run_id, own)
        yield lambda page: own.log_text(run_id, page, "report.html")
    except BaseException as error:
        with contextlib.suppress(Exception):
            end_run(run_id, *status_after(error), store=own)
        raise
    own.set_terminated(run_id)


def add_to_run(
    run_id: str, folder: Path, artifact_path: str, metrics: Mapping[str, float], tags: Mapping[str, str]
) -> None:
    """Add a tool's results to a finished run, which stays finished; NaN, of no images, is left out."""
    client.log_artifacts(run_id, str(folder), artifact_path)
    log_values(run_id, {key: value for key, value in metrics.items() if not math.isnan(value)}, tags)
