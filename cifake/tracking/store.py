"""Reach the MLflow store: created once, and named within seconds when it cannot be used."""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import filelock
import mlflow
from mlflow.exceptions import MlflowException

from cifake.errors import RunError


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


def store_address(others: Sequence[str]) -> str:
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


def set_experiment(name: str) -> None:
    """The first request to the store: one that does not answer is named within seconds."""
    with _few_retries():
        try:
            mlflow.set_experiment(name)
        except MlflowException as error:
            reason = str(error).splitlines()[0]
            raise RunError(f"the store at {mlflow.get_tracking_uri()} cannot be used ({reason})") from None


@contextlib.contextmanager
def _few_retries() -> Iterator[None]:
    """MLflow's own seven retries take four minutes; later, when a run is at stake, they are wanted."""
    name = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
    given = os.environ.get(name)
    os.environ[name] = given or "2"
    try:
        yield
    finally:
        if given is None:
            del os.environ[name]
