"""Reach the MLflow store: create it once, address it, limit how long a request takes."""

import contextlib
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import mlflow

from cifake.core.addresses import absolute_address, sqlite_file, without_password
from cifake.core.errors import RunError
from cifake.core.files import exclusive

# It prints a traceback of every database error that it raises as well.
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


@contextlib.contextmanager
def store_lock() -> Iterator[None]:
    """Create a SQLite store once: processes that create the same one together crash in its migrations.

    Raises:
        RunError: its folder does not exist.
    """
    database = sqlite_file(mlflow.get_tracking_uri())
    if not database:
        yield
        return
    if not database.parent.is_dir():
        raise RunError(f"the store {store_address()}: there is no folder {database.parent}; make it first")
    with exclusive(database):
        mlflow.MlflowClient().search_experiments(max_results=1)
        yield


def expect_project_store() -> None:
    """Refuse a relative address that means one file to `mlflow run`, and another one to its command.

    Raises:
        RunError: it is not here; a store made here would lack the run that `mlflow run` has created.
    """
    database = sqlite_file(mlflow.get_tracking_uri())
    if database and not database.exists():
        raise RunError(
            f"the store {store_address()} is not in {Path.cwd()}, where `mlflow run` works; set "
            "MLFLOW_TRACKING_URI to an absolute address, as sqlite:////home/me/mlflow.db"
        )


def shared_address(others: Sequence[str]) -> str:
    """The store's address for processes in other folders and on other machines.

    Raises:
        RunError: the store is a file of this machine, and there are ``others``.
    """
    uri = str(mlflow.get_tracking_uri())
    if urlsplit(uri).scheme not in ("", "file") and not uri.startswith("sqlite"):
        return uri
    if others:
        raise RunError(
            f"the store {uri} is a file of this machine, and the cluster has others ({', '.join(others)}); "
            "set MLFLOW_TRACKING_URI to the address of an MLflow server, see docs/scaling.md"
        )
    return absolute_address(uri)


def store_address() -> str:
    """The store's address, without user name and password."""
    return without_password(mlflow.get_tracking_uri())


@contextlib.contextmanager
def quick_requests(timeout: int | None = None) -> Iterator[None]:
    """Let MLflow retry a request once: its own seven retries take four minutes without a message.

    Args:
        timeout: seconds to wait for an answer; None is MLflow's own limit, two minutes.
    """
    values = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
    if timeout:
        values["MLFLOW_HTTP_REQUEST_TIMEOUT"] = str(timeout)
    given = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    retries = logging.getLogger("urllib3.connectionpool")  # logs three lines for each
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
