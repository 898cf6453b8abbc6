"""The run that ``mlflow run`` has made for a command, if it has: what it is of, and why it failed."""

import contextlib
import os
from collections.abc import Iterator

from cifake.core.errors import CifakeError


@contextlib.contextmanager
def mlflow_project_run(tool: str | None = None) -> Iterator[None]:
    """Say in the launched run why the command failed; MLflow is imported where there is one, and not before.

    Args:
        tool: what runs: ``predict``; becomes the run's name and its tag ``tool``. None for commands that
            name their run themselves.
    """
    if "MLFLOW_RUN_ID" not in os.environ:
        yield
        return
    if tool:
        from cifake.tracking.tool_runs import name_project_run

        name_project_run(tool)
    try:
        yield
    except CifakeError as error:
        from cifake.tracking.run_status import fail_project_run

        fail_project_run(error)
        raise
