"""Where runs are read from: an MLflow store, published results, or both."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from mlflow.entities import Metric, Run


@dataclass(frozen=True)
class PredictionsFile:
    """Where a run's predictions are.

    Attributes:
        run_id: the run.
        artifacts: their address.
        file: the path among them.
        cache_name: with the same name it always has the same content.
    """

    run_id: str
    artifacts: str
    file: str
    cache_name: str


class RunSource(Protocol):
    """What a comparison asks of the place that its runs are from."""

    @property
    def address(self) -> str:
        """For people, without a password."""

    @property
    def pages(self) -> str:
        """The address of the store whose pages in MLflow show the runs; empty where there are none."""

    @property
    def hint(self) -> str:
        """What to do where there are no runs."""

    @property
    def cache(self) -> Path | None:
        """Where predictions are kept that were read; None keeps none."""

    def place(self, experiments: Sequence[str]) -> str:
        """The address, and the experiments that are searched."""

    def runs(self, experiments: Sequence[str], where: str) -> list[Run]:
        """Finished runs with the tag ``variant``, newest first.

        Args:
            experiments: names; none means the usual ones.
            where: a filter in MLflow's search language; empty for none.

        Raises:
            RunError: they cannot be read, an unknown experiment, a filter that cannot be read.
        """

    def trials(self) -> list[Run]:
        """The trials of all searches."""

    def history(self, run_id: str, key: str) -> list[Metric]:
        """All values of a metric; none of one that the run does not have."""

    def predictions(self, file: PredictionsFile) -> pa.Table:
        """The columns of a run's predictions.

        Raises:
            FileNotFoundError: the run has no such file.
        """
