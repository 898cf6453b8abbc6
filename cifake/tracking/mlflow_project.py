"""The run that ``mlflow run`` created for this command: its name, and why it failed."""

import contextlib
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

from cifake.contract import TOOL_TAG
from cifake.core.errors import Terminated

VARIABLE = "MLFLOW_RUN_ID"
logger = logging.getLogger(__name__)


def project_run_id() -> str | None:
    """The id of the run that ``mlflow run`` created for this command; None where there is none.

    Every command of an entry point inherits MLFLOW_RUN_ID, and a shell may keep it. A run that another
    command has used is left as it is: a warning says so, and the variable is removed.
    """
    run_id = os.environ.get(VARIABLE)
    if not run_id:
        return None
    from cifake.tracking.run_status import claim_run  # MLflow is imported only if there is a run

    if obstacle := claim_run(run_id):
        logger.warning("MLFLOW_RUN_ID: run %s %s; this command leaves it as it is", run_id, obstacle)
        del os.environ[VARIABLE]
        return None
    return run_id


@contextlib.contextmanager
def mlflow_project_run(tool: str | None = None) -> Iterator[None]:
    """Leave the reason in the project's run when the command fails.

    Args:
        tool: what runs, such as ``predict``: the run's tag ``tool``, and its name if it fails unnamed. The
            run ends with the command. None for commands that train, which end their runs themselves.
    """
    if os.environ.get(VARIABLE):
        from cifake.tracking.store import expect_project_store

        expect_project_store()
    run_id = project_run_id()
    if not run_id:
        yield
        return
    from cifake.tracking.run_status import end_failed, end_run
    from cifake.tracking.run_values import log_values

    try:
        if tool:
            log_values(run_id, tags={TOOL_TAG: tool})
        yield
    except (Exception, KeyboardInterrupt, Terminated) as error:
        end_failed(run_id, error, name=tool)
        raise
    if tool:
        end_run(run_id)


def name_project_run(name: str) -> None:
    """Name the project's run by what it does: ``robustness of base seed 0``; a name from the user stays."""
    if run_id := project_run_id():
        from cifake.tracking.run_status import name_run

        name_run(run_id, re.sub(r" \(run \w+\)", "", name))


def keep_files(*files: Path) -> None:
    """Log files to the project's run, if there is one."""
    if run_id := project_run_id():
        from cifake.tracking.retry import client

        for file in files:
            client.log_artifact(run_id, str(file))
