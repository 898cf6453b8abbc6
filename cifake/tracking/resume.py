"""One process at a time for a training; runs whose process was killed are marked KILLED, to be resumed."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

from mlflow.entities import RunStatus
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from cifake.contract import RUN_KEY_TAG, TOOL_TAG
from cifake.core.errors import RunError
from cifake.core.files import exclusive
from cifake.tracking.process_identity import HOST, PROCESS, is_dead
from cifake.tracking.queries import RUNNING, UNFINISHED, search_runs, tagged
from cifake.tracking.run_status import end_run


@contextlib.contextmanager
def only_process(directory: Path, what: str, timeout: float = 0) -> Iterator[None]:
    """Make sure that no other process does the same (``what``) at this moment; makes its state's directory.

    -1 seconds wait for the other process without limit.

    Raises:
        RunError: another process does it.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as lock:
        try:
            lock.enter_context(exclusive(directory.with_suffix(f".{what}"), timeout))
        except TimeoutError:
            share = ", or see docs/searching.md on sharing a search between processes"
            raise RunError(
                f"this {what} runs already, in another process (its state is in {directory}); wait for its "
                f"end{share if what == 'search' else ''}"
            ) from None
        directory.mkdir(exist_ok=True)
        yield


def end_abandoned_runs() -> None:
    """Mark runs KILLED whose process, on this machine, was killed before it could.

    The workers of a suite end with it, so its runs on other machines are abandoned, too.
    """
    host = socket.gethostname()
    for run in search_runs(tagged(HOST, host), RUNNING):
        if is_dead(run.data.tags):
            process = f"its process {run.data.tags[PROCESS]} on {host}"
            end_run(run.info.run_id, RunStatus.KILLED, f"{process} was killed; the same command resumes")
            if run.data.tags.get(TOOL_TAG) == "suite":
                end_lost_runs(run.info.run_id, "its suite was killed; the same command resumes")


def end_lost_runs(suite: str, reason: str, key: str | None = None) -> bool:
    """Mark those runs of a suite KILLED whose process is gone; whether it has any unfinished ones.

    Args:
        suite: the id of its run.
        reason: why the runs on other machines, whose processes cannot be looked up, have none.
        key: only the runs of this training; None means all of them.
    """
    conditions = [tagged(MLFLOW_PARENT_RUN_ID, suite), UNFINISHED]
    begun = search_runs(*conditions, *([tagged(RUN_KEY_TAG, key)] if key else []))
    for run in begun:
        lost = run.data.tags.get(HOST) != socket.gethostname() or is_dead(run.data.tags)
        if run.info.status == "RUNNING" and lost:
            end_run(run.info.run_id, RunStatus.KILLED, reason)
    return bool(begun)
