"""The run that ``mlflow run`` has made for a command, if it has: what it is of, and why it failed."""

import contextlib
import os
import re
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
        from cifake.tracking.tool_runs import tag_project_run

        tag_project_run(tool)
    try:
        yield
    except CifakeError as error:
        from cifake.tracking.run_status import fail_project_run

        fail_project_run(error)
        raise


def name_project_run(name: str) -> None:
    """Name the launched run by what it does: ``robustness of base seed 0``; a name that a user gave stays."""
    if "MLFLOW_RUN_ID" in os.environ:
        from cifake.tracking.tool_runs import rename_project_run

        rename_project_run(re.sub(r" \(run \w+\)", "", name))
