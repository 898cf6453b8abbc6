"""Find the runs that a process left behind: taken up again, or marked KILLED."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import filelock
from mlflow.entities import RunStatus
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from cifake.contract import RUN_KEY_TAG, TOOL_TAG
from cifake.core.errors import RunError
from cifake.tracking.process_identity import HOST, PROCESS, is_dead, process_identity
from cifake.tracking.run_status import end_run
from cifake.tracking.trials import search_runs


@contextlib.contextmanager
def only_process(directory: Path, what: str, timeout: float = 0) -> Iterator[None]:
    """Refuse to do what another process does at this moment.

    Args:
        directory: made here; the lock lies beside it.
        what: ``training`` or ``search``.
        timeout: seconds to wait for the other's end; -1 waits for ever.

    Raises:
        RunError: there is another.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    lock = directory.with_suffix(f".{what}.lock")  # beside it: a lock's file must not be removed
    try:
        # One lock object a file in this process: who holds it already may pass once more.
        with filelock.FileLock(lock, is_singleton=True).acquire(timeout=timeout):
            directory.mkdir(exist_ok=True)
            yield
    except filelock.Timeout:
        raise RunError(
            f"this {what} runs already, in another process (its state is in {directory}); wait for its end"
            f"{', or see README on sharing a search over several processes' if what == 'search' else ''}"
        ) from None


def unfinished_run(key: str) -> str | None:
    """The id of the newest run of a training that did not come to its end, if there is one.

    The caller holds the training's lock, so no process of this machine runs it. One that this process
    owns was made by a request whose answer was lost, or could not be ended.
    """
    mine = process_identity().items()
    for run in search_runs(f"tags.{RUN_KEY_TAG} = '{key}' AND attributes.status != 'FINISHED'"):
        if run.info.status != "RUNNING" or is_dead(run.data.tags) or mine <= run.data.tags.items():
            return str(run.info.run_id)
    return None


def finished_run(key: str) -> str | None:
    """The id of the newest finished run of a training, if there is one."""
    runs = search_runs(f"tags.{RUN_KEY_TAG} = '{key}' AND attributes.status = 'FINISHED'")
    return str(runs[0].info.run_id) if runs else None


def end_abandoned_runs() -> None:
    """Mark runs KILLED whose process, on this machine, was killed before it could.

    A suite's workers end with it, so the runs that it had on other machines are abandoned, too.
    """
    host = socket.gethostname()
    for run in search_runs(f"tags.{HOST} = '{host}' AND attributes.status = 'RUNNING'"):
        if is_dead(run.data.tags):
            reason = f"its process {run.data.tags[PROCESS]} on {host} was killed; the same command goes on"
            end_run(run.info.run_id, RunStatus.KILLED, reason)
            if run.data.tags.get(TOOL_TAG) == "suite":
                end_lost_runs(run.info.run_id, "its suite was killed; the same command goes on")


def end_lost_runs(suite: str, reason: str, key: str | None = None) -> bool:
    """Mark those runs of a suite KILLED that have no process any more.

    Args:
        suite: the id of its run.
        reason: why those on other machines, whose processes cannot be looked up, have none.
        key: of one training; all of them without it.

    Returns:
        Whether the suite has begun such runs without coming to their end.
    """
    filters = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{suite}' AND attributes.status != 'FINISHED'"
    begun = search_runs(filters + (f" AND tags.{RUN_KEY_TAG} = '{key}'" if key else ""))
    for run in begun:
        lost = run.data.tags.get(HOST) != socket.gethostname() or is_dead(run.data.tags)
        if run.info.status == "RUNNING" and lost:
            end_run(run.info.run_id, RunStatus.KILLED, reason)
    return bool(begun)
