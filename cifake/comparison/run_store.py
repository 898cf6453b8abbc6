"""An MLflow store to read runs from. A report keeps its own, and changes none that other code uses."""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import mlflow
import requests
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from cifake.core.addresses import is_served, without_password
from cifake.core.cache_directory import cache_directory
from cifake.core.errors import RunError

PAGE = 5000  # runs
HINT = "make a run first: mlflow run . -e base --env-manager local"
logger = logging.getLogger(__name__)


class RunStore:
    """An MLflow store.

    Args:
        tracking_uri: its address; None is MLflow's own choice (MLFLOW_TRACKING_URI, ./mlflow.db).

    Raises:
        RunError: it is missing or does not answer.
    """

    def __init__(self, tracking_uri: str | None = None):
        uri = tracking_uri or str(mlflow.get_tracking_uri())
        self.address = without_password(uri)
        if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
            raise RunError(f"there is no store at {self.address}; {HINT}")
        if is_served(uri):
            self._expect_answer(uri)
        with self.reading():
            self.client = mlflow.MlflowClient(uri)

    @cached_property
    def cache(self) -> Path | None:
        """Where predictions are kept that were read; None, after a warning, where nothing can be written."""
        try:
            folder = cache_directory() / "predictions"
            folder.mkdir(exist_ok=True)
        except (RunError, OSError) as error:
            logger.warning("predictions are not cached: %s", error)
            return None
        return folder

    def search(self, experiment_ids: Sequence[str], wanted: str) -> list[Run]:
        """All runs of some experiments that a filter matches, newest first."""
        runs: list[Run] = []
        token: str | None = None
        while experiment_ids:
            page = self.client.search_runs(experiment_ids, wanted, max_results=PAGE, page_token=token)
            runs += page
            token = page.token
            if not token:
                break
        return runs

    @contextlib.contextmanager
    def reading(self, where: str = "") -> Iterator[None]:
        """Turn MLflow's errors into one line.

        Args:
            where: the user's part of a filter.

        Raises:
            RunError: in place of MLflow's.
        """
        try:
            yield
        except MlflowException as error:
            reason = str(error).splitlines()[0]
            if where and error.error_code == "INVALID_PARAMETER_VALUE":
                raise RunError(f"MLflow cannot read the filter {where!r} ({reason})") from None
            raise RunError(f"the store at {self.address} cannot be read ({reason})") from None

    def _expect_answer(self, uri: str) -> None:
        """Name a server that does not answer within seconds; MLflow's own retries take four minutes."""
        try:
            status = requests.get(f"{uri.rstrip('/')}/health", timeout=10).status_code
        except requests.exceptions.SSLError:
            return  # MLflow has settings of its own for certificates
        except requests.RequestException as error:
            raise RunError(f"the store at {self.address} does not answer ({type(error).__name__})") from None
        if status >= 500:
            raise RunError(f"the store at {self.address} does not answer (HTTP status {status})")
