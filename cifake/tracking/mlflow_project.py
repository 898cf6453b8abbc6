"""The run that ``mlflow run`` created for this command: its name, and why it failed."""

import contextlib
import os
import re
from collections.abc import Iterator

from cifake.core.errors import Terminated


def project_run_id() -> str | None:
    """The id of the run that ``mlflow run`` created; None when the command was called without it."""
    return os.environ.get("MLFLOW_RUN_ID") or None


@contextlib.contextmanager
def mlflow_project_run(tool: str | None = None) -> Iterator[None]:
    """Leave the reason in the project's run when the command fails; imports MLflow only if there is one.

    Args:
        tool: what runs, such as ``predict``: the run's tag ``tool``, and its name if it fails unnamed.
            None for commands that train.
    """
    run_id = project_run_id()
    if not run_id:
        yield
        return
    from cifake.tracking.run_status import end_failed, tag_tool
    from cifake.tracking.store import expect_project_store

    expect_project_store()
    try:
        if tool:
            tag_tool(run_id, tool)
        yield
    except (Exception, KeyboardInterrupt, Terminated) as error:
        end_failed(run_id, error, name=tool)
        raise


def name_project_run(name: str) -> None:
    """Name the project's run by what it does: ``robustness of base seed 0``; a name from the user stays."""
    if run_id := project_run_id():
        from cifake.tracking.run_status import name_run

        name_run(run_id, re.sub(r" \(run \w+\)", "", name))
