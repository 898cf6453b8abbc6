"""The run that ``mlflow run`` has made for a command, if it has: what it is of, and why it failed."""

import contextlib
import os
from collections.abc import Iterator

from cifake.errors import CifakeError


@contextlib.contextmanager
def launched_run(tool: str | None = None) -> Iterator[None]:
    """Say in the launched run why the command failed; MLflow is imported where there is one, and not before.

    Args:
        tool: what runs: ``predict``; becomes the run's name and its tag ``tool``. None for commands that
            name their run themselves.
    """
    if "MLFLOW_RUN_ID" not in os.environ:
        yield
        return
    if tool:
        from cifake.tracking import name_launched_run

        name_launched_run(tool)
    try:
        yield
    except CifakeError as error:
        from cifake.tracking import fail_launched_run

        fail_launched_run(error)
        raise
