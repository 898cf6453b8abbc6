"""A store that is away for a while: calls are repeated, and the metrics of epochs wait on disk."""

import functools
import json
import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

import mlflow
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException
from mlflow.utils.time import get_current_time_millis

from cifake.core.cache_directory import cache_directory
from cifake.core.errors import RunError, full_disk
from cifake.tracking.store import quick_requests, store_address

PATIENCE = 600.0  # seconds that a call waits for the store
PAUSE = 5.0  # seconds between two attempts
LONGEST_REQUEST = 20  # seconds that an epoch waits for a server that accepts a request and says nothing
SHARE = 0.1  # of a training's time that attempts to reach the store may take
BATCH = 1000  # metrics; the most that one request takes
P = ParamSpec("P")
T = TypeVar("T")
logger = logging.getLogger(__name__)


def retry_while_unavailable(call: Callable[P, T]) -> Callable[P, T]:
    """Repeat a call while the store is away. Only for what may be done twice.

    Raises:
        RunError: the store stayed away for PATIENCE seconds.
    """

    @functools.wraps(call)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
        began, told = time.monotonic(), False
        while True:
            try:
                with quick_requests():
                    return call(*args, **kwargs)
            except MlflowException as error:
                if not is_unavailable(error):
                    raise
                where = f"the store {store_address()} does not answer ({_reason(error)})"
                if time.monotonic() - began > PATIENCE:
                    raise RunError(
                        f"{where} for {PATIENCE / 60:g} minutes; what was trained is kept: start the store, "
                        "then give the same command again"
                    ) from None
                if not told:
                    logger.warning("%s; waiting for it up to %g minutes", where, PATIENCE / 60)
                    told = True
                time.sleep(PAUSE)

    return repeated


def is_unavailable(error: MlflowException) -> bool:
    """Whether the store, or the database behind it, did not answer; a full disk needs more than time."""
    codes = ("TEMPORARILY_UNAVAILABLE", "DEADLINE_EXCEEDED", "REQUEST_LIMIT_EXCEEDED")
    unanswered = str(error).startswith("API request to ")  # no connection, no answer in time, or a 5xx
    return (error.error_code in codes or unanswered) and not full_disk(error)


class EpochLog:
    """Logs the metrics of epochs to a run, each epoch once.

    Epochs that the run holds already, from a process that was killed, are not logged again. What the store
    does not take waits in a file, also of a process that is killed, and goes with the next epoch that
    does. Waiting metrics keep their time, so that a request whose answer was lost changes nothing when it
    is repeated: MLflow stores equal points once.

    Args:
        run_id: of the run.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.file = cache_directory() / "undelivered" / f"{run_id}.json"
        logged = set(_steps(run_id))
        kept = json.loads(self.file.read_text()) if self.file.exists() else []
        self.waiting = [(step, at, metrics) for step, at, metrics in kept if step not in logged]
        self.known = logged | {step for step, *_ in self.waiting}
        self.next_attempt = 0.0

    def __call__(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Log an epoch, counted from 0; returns within a minute, whatever the store does."""
        if epoch in self.known:
            return
        self.known.add(epoch)
        self.waiting.append((epoch, get_current_time_millis(), dict(metrics)))
        start = time.monotonic()
        if start >= self.next_attempt:
            try:
                with quick_requests(LONGEST_REQUEST):
                    self._send()
                return
            except MlflowException as error:
                if not is_unavailable(error):
                    raise
                if not self.file.exists():
                    logger.warning("the store does not answer (%s); metrics wait in %s and training goes on",
                                   _reason(error), self.file)  # fmt: skip
            end = time.monotonic()
            self.next_attempt = end + (end - start) / SHARE
        self._keep()

    def deliver(self) -> None:
        """Log all that waits.

        Raises:
            RunError: the store stayed away; the file is still there, for the same command.
        """
        retry_while_unavailable(self._send)()

    def _send(self) -> None:
        rows = [Metric(key, value, at, step) for step, at, metrics in self.waiting
                for key, value in metrics.items()]  # fmt: skip
        for start in range(0, len(rows), BATCH):
            mlflow.MlflowClient().log_batch(self.run_id, metrics=rows[start : start + BATCH])
        self.waiting.clear()
        self.file.unlink(missing_ok=True)

    def _keep(self) -> None:
        """Write beside the file, then rename: it is whole or not there."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.file.with_suffix(".unfinished")
        with unfinished.open("w") as stream:
            json.dump(self.waiting, stream)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(self.file)


@retry_while_unavailable
def _steps(run_id: str) -> list[int]:
    """The epochs that a run holds."""
    return [point.step for point in mlflow.MlflowClient().get_metric_history(run_id, "train/loss")]


def _reason(error: MlflowException) -> str:
    """What lies below MLflow's and urllib3's wrapping: ``[Errno 111] Connection refused``."""
    text = str(error).splitlines()[0]
    below = re.search(r"Caused by \w+\([\"'](.*)[\"']\)", text)
    return below[1].rpartition("): ")[2] if below else text
