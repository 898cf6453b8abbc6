"""Runs of tools: they hold what a command wrote, and are no rows of a comparison."""

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import mlflow

from cifake.contract import FAILURE_TAG, TOOL_TAG
from cifake.core.addresses import without_password
from cifake.tracking.mlflow_project import project_run_id
from cifake.tracking.permissions import expect_writable
from cifake.tracking.queries import experiment_id
from cifake.tracking.retry import client
from cifake.tracking.run_values import log_values


@contextlib.contextmanager
def report_run(own: mlflow.MlflowClient, tool: str, name: str) -> Iterator[Callable[[str], None]]:
    """A run for a report: one of its own, or that which ``mlflow run`` created in the current store.

    Yields:
        What stores the report, given as HTML, as ``report.html``.

    Raises:
        RunError: nothing can be written there, said at once.
    """
    run_id = project_run_id()
    store = client if run_id else own
    run_id = run_id or str(store.create_run(experiment_id(store), run_name=name).info.run_id)
    try:
        store.set_tag(run_id, TOOL_TAG, tool)
        expect_writable(run_id, store)
        yield lambda page: store.log_text(run_id, page, "report.html")
    except BaseException as error:
        if store is own:  # ``mlflow_project_run`` ends the other
            with contextlib.suppress(Exception):
                reason = without_password(f"{type(error).__name__}: {error}")
                store.set_tag(run_id, FAILURE_TAG, reason[:5000])
                store.set_terminated(run_id, "FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    store.set_terminated(run_id)


def add_to_run(
    run_id: str, folder: Path, artifact_path: str, metrics: Mapping[str, float], tags: Mapping[str, str]
) -> None:
    """Add a tool's results to a finished run, which stays finished; NaN, of no images, is left out."""
    client.log_artifacts(run_id, str(folder), artifact_path)
    log_values(run_id, {key: value for key, value in metrics.items() if not math.isnan(value)}, tags)
