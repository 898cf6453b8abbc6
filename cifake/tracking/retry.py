"""Wait for a store that is unreachable: ``client`` repeats its calls for ten minutes."""

import contextlib
import functools
import logging
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

import mlflow

from cifake.core.addresses import expect_answer
from cifake.core.errors import RunError, Unavailable, store_errors
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
        RunError: the store was unreachable for PATIENCE seconds; or it refuses, which is not waited for.
    """

    @functools.wraps(call)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
        began, warned = time.monotonic(), False
        while True:
            try:
                with (
                    quick_requests() if _retries.get() else contextlib.nullcontext(),
                    store_errors(f"the store {store_address()}"),
                ):
                    return call(*args, **kwargs)
            except Unavailable as error:
                if not _retries.get():
                    raise
                if time.monotonic() - began > PATIENCE:
                    raise RunError(
                        f"{error} for {PATIENCE / 60:g} minutes; what was trained is kept: start the store, "
                        "then give the same command again"
                    ) from None
                if not warned:
                    logger.warning("%s; waiting for it up to %g minutes", error, PATIENCE / 60)
                    warned = True
                time.sleep(PAUSE)

    return repeated


class _Client:
    """MLflow's client for the current store, with calls that are repeated while it is unreachable.

    ``create_run`` is not: where its answer was lost there would be two runs. Its caller repeats the search
    for the run as well.
    """

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            return getattr(mlflow.MlflowClient(), name)(*args, **kwargs)

        if name == "create_run":
            return store_errors(f"the store {store_address()}")(call)
        return retry_while_unavailable(call)


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
    """Name a store that cannot be used, in whatever way, within seconds of a command's start.

    Raises:
        RunError: the store cannot be used.
    """
    with without_retries(), store_errors(f"the store {store_address()}", any_error=True):
        expect_answer(mlflow.get_tracking_uri())
        yield
