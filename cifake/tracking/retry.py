"""Wait for a store that is unreachable: ``client`` repeats its calls for ten minutes."""

import contextlib
import functools
import logging
import re
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import mlflow
from mlflow.exceptions import MlflowException

from cifake.core.errors import RunError, full_disk
from cifake.tracking.store import quick_requests, store_address

PATIENCE = 600.0  # seconds that a call waits for the store
PAUSE = 5.0  # seconds between two attempts
P = ParamSpec("P")
T = TypeVar("T")
logger = logging.getLogger(__name__)
_retries = ContextVar("retries", default=True)


def retry_while_unavailable(call: Callable[P, T]) -> Callable[P, T]:
    """Repeat a call while the store is unreachable. The call must be safe to repeat.

    Raises:
        RunError: the store was unreachable for PATIENCE seconds.
    """

    @functools.wraps(call)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
        began, warned = time.monotonic(), False
        while True:
            try:
                with quick_requests() if _retries.get() else contextlib.nullcontext():
                    return call(*args, **kwargs)
            except MlflowException as error:
                if not is_unavailable(error) or not _retries.get():
                    raise
                if time.monotonic() - began > PATIENCE:
                    raise RunError(
                        f"{_outage(error)} for {PATIENCE / 60:g} minutes; what was trained is kept: start "
                        "the store, then give the same command again"
                    ) from None
                if not warned:
                    warn_unavailable(error, f"waiting for it up to {PATIENCE / 60:g} minutes")
                    warned = True
                time.sleep(PAUSE)

    return repeated


class _Client:
    """MLflow's client for the current store, with calls that are repeated while it is unreachable.

    ``create_run`` is not: where its answer was lost there would be two runs. Its caller repeats the search
    for the run as well.
    """

    def __getattr__(self, name: str) -> Any:
        call = getattr(mlflow.MlflowClient(), name)
        return call if name == "create_run" else retry_while_unavailable(call)


client = _Client()


@contextlib.contextmanager
def without_retries(timeout: int | None = None) -> Iterator[None]:
    """Let calls to an unreachable store fail at once; ``timeout`` as in ``quick_requests``."""
    token = _retries.set(False)
    try:
        with quick_requests(timeout):
            yield
    finally:
        _retries.reset(token)


@contextlib.contextmanager
def first_requests() -> Iterator[None]:
    """Name a store that does not answer a command's first requests within seconds.

    Raises:
        RunError: the store cannot be used.
    """
    try:
        with without_retries():
            yield
    except MlflowException as error:
        if full_disk(error):
            raise
        reason = str(error).splitlines()[0]
        raise RunError(f"the store at {store_address()} cannot be used ({reason})") from None


def is_unavailable(error: MlflowException) -> bool:
    """Whether the store, or the database behind it, did not answer; a full disk needs more than time."""
    codes = ("TEMPORARILY_UNAVAILABLE", "DEADLINE_EXCEEDED", "REQUEST_LIMIT_EXCEEDED")
    unanswered = str(error).startswith("API request to ")  # no connection, no answer in time, or a 5xx
    return (error.error_code in codes or unanswered) and not full_disk(error)


def warn_unavailable(error: MlflowException, consequence: str) -> None:
    """Log that the store does not answer, and what happens now."""
    logger.warning("%s; %s", _outage(error), consequence)


def _outage(error: MlflowException) -> str:
    """With the cause below MLflow's and urllib3's wrapping: ``[Errno 111] Connection refused``."""
    text = str(error).splitlines()[0]
    below = re.search(r"Caused by \w+\([\"'](.*)[\"']\)", text)
    reason = below[1].rpartition("): ")[2] if below else text
    return f"the store {store_address()} does not answer ({reason})"
