"""An MLflow store to read runs from. A report keeps its own, and changes none that other code uses."""

import contextlib
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

import mlflow
import pyarrow as pa
import pyarrow.parquet as pq
from mlflow.entities import Metric, Run
from mlflow.exceptions import MlflowException

from cifake.comparison.run_source import PredictionsFile
from cifake.contract import EXPERIMENT, TRIAL_TAG, VARIANT_TAG, predictions_schema
from cifake.core.addresses import expect_answer, sqlite_file, without_password
from cifake.core.cache_directory import cache_directory
from cifake.core.errors import RunError, store_errors
from cifake.core.paging import every_page
from cifake.core.reasons import reason

PAGE = 5000  # runs
logger = logging.getLogger(__name__)


class RunStore:
    """An MLflow store.

    Args:
        tracking_uri: its address; None is MLflow's own choice (MLFLOW_TRACKING_URI, ./mlflow.db).

    Raises:
        RunError: it is missing or does not answer.
    """

    hint = "make a run first: mlflow run . -e base --env-manager local"

    def __init__(self, tracking_uri: str | None = None):
        uri = tracking_uri or str(mlflow.get_tracking_uri())
        self.address = self.pages = without_password(uri)
        file = sqlite_file(uri)
        if file and not file.exists():
            raise RunError(f"there is no store at {self.address}; {self.hint}")
        with store_errors(f"the store {self.address}", any_error=True):
            expect_answer(uri)
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

    def place(self, experiments: Sequence[str]) -> str:
        return f"{self.address}, experiment {' or '.join(experiments or self._usual_experiments())}"

    def runs(self, experiments: Sequence[str], where: str) -> list[Run]:
        wanted = f"attributes.status = 'FINISHED' AND tags.{VARIANT_TAG} LIKE '%'"
        with self.reading(where):
            names = experiments or self._usual_experiments()
            found = [self.client.get_experiment_by_name(name) for name in names]
            if experiments and None in found:
                known = ", ".join(each.name for each in every_page(self.client.search_experiments))
                raise RunError(f"unknown experiment '{names[found.index(None)]}'; known: {known}")
            ids = [each.experiment_id for each in found if each]
            return self._search(ids, f"{wanted} AND {where}" if where else wanted)

    def trials(self) -> list[Run]:
        with self.reading():
            ids = [each.experiment_id for each in every_page(self.client.search_experiments)]
            return self._search(ids, f"tags.{TRIAL_TAG} LIKE '%'")

    def history(self, run_id: str, key: str) -> list[Metric]:
        with self.reading():
            return list(self.client.get_metric_history(run_id, key))

    def predictions(self, file: PredictionsFile) -> pa.Table:
        names = predictions_schema().names
        if not urlsplit(file.artifacts).scheme:  # a local file is read where it lies
            return pq.read_table(f"{file.artifacts}/{file.file}", columns=names)
        listed = self.client.list_artifacts(file.run_id, os.path.dirname(file.file) or None)
        if file.file not in {artifact.path for artifact in listed}:
            raise FileNotFoundError
        with tempfile.TemporaryDirectory() as folder:
            path = self.client.download_artifacts(file.run_id, file.file, folder)
            return pq.read_table(path, columns=names)

    def _usual_experiments(self) -> list[str]:
        """That of MLFLOW_EXPERIMENT_NAME or _ID or, without them, ``cifake`` and ``Default``.

        `mlflow run` files runs in the latter unless told otherwise.
        """
        if given := os.environ.get("MLFLOW_EXPERIMENT_NAME"):
            return [given]
        number = os.environ.get("MLFLOW_EXPERIMENT_ID")
        if number and not os.environ.get("MLFLOW_RUN_ID"):  # `mlflow run` sets it for the run that it makes
            return [self.client.get_experiment(number).name]
        return [EXPERIMENT, "Default"]

    def _search(self, experiment_ids: Sequence[str], wanted: str) -> list[Run]:
        """All runs of some experiments that a filter matches, newest first."""
        if not experiment_ids:
            return []
        return list(every_page(self.client.search_runs, experiment_ids, wanted, max_results=PAGE))

    @contextlib.contextmanager
    def reading(self, where: str = "") -> Iterator[None]:
        """Turn errors of the store into one line.

        Args:
            where: the user's part of a filter.

        Raises:
            RunError: in place of MLflow's.
        """
        try:
            with store_errors(f"the store {self.address}"):
                yield
        except MlflowException as error:  # of another kind than those that a store itself makes
            store = f"the store {self.address} cannot be used"
            what = f"MLflow cannot read the filter {where!r}" if where else store
            raise RunError(f"{what} ({reason(error)})") from None
