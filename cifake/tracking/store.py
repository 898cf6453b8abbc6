"""Reach the MLflow store: created once, and named within seconds when it cannot be used."""

import contextlib
import logging
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import filelock
import mlflow
from mlflow.exceptions import MlflowException

from cifake.core.errors import RunError, full_disk

# It prints a traceback of every database error that it raises as well.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


@contextlib.contextmanager
def store_lock() -> Iterator[None]:
    """Processes that create the same SQLite store at once crash in its migrations: take turns."""
    uri = mlflow.get_tracking_uri()
    if not uri.startswith("sqlite:///"):
        yield
        return
    database = Path(uri.removeprefix("sqlite:///"))
    if not database.parent.is_dir():
        raise RunError(f"the store {uri}: there is no folder {database.parent}; make it first")
    with filelock.FileLock(f"{database}.lock"):
        mlflow.MlflowClient().search_experiments(max_results=1)
        yield


def shared_address(others: Sequence[str]) -> str:
    """The store's address, as processes in other folders and on other machines reach it.

    Args:
        others: machines, by name.

    Raises:
        RunError: it is a file of this machine, and there are others.
    """
    uri = str(mlflow.get_tracking_uri())
    if not uri.startswith(("sqlite:", "file:", "/")):
        return uri
    if others:
        raise RunError(
            f"the store {uri} is a file of this machine, and the cluster has others ({', '.join(others)}); "
            "set MLFLOW_TRACKING_URI to the address of an MLflow server, see docs/scaling.md"
        )
    path = uri.removeprefix("sqlite:///")
    return uri if path == uri else f"sqlite:///{Path(path).absolute()}"


@contextlib.contextmanager
def first_requests() -> Iterator[None]:
    """A command's first requests to the store: one that does not answer is named within seconds."""
    with quick_requests():
        try:
            yield
        except MlflowException as error:
            if full_disk(error):
                raise
            reason = str(error).splitlines()[0]
            raise RunError(f"the store at {store_address()} cannot be used ({reason})") from None


def store_address() -> str:
    """The store's address, without a user's name and password."""
    return re.sub(r"://[^/@]*@", "://", mlflow.get_tracking_uri())


@contextlib.contextmanager
def quick_requests(timeout: int | None = None) -> Iterator[None]:
    """MLflow's own seven retries take four minutes and say nothing; one is enough for a broken connection.

    Args:
        timeout: seconds to wait for an answer; None is what MLflow has, two minutes.
    """
    values = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
    if timeout:
        values["MLFLOW_HTTP_REQUEST_TIMEOUT"] = str(timeout)
    given = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    retries = logging.getLogger("urllib3.connectionpool")  # has three lines for each
    level = retries.level
    retries.setLevel(logging.ERROR)
    try:
        yield
    finally:
        retries.setLevel(level)
        for name, value in given.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
