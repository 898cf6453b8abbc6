"""Published results as a source of runs, alone or beside a store."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from mlflow.entities import Metric, Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
from mlflow.utils.search_utils import SearchUtils

from cifake.comparison.results.documents import read_document, to_run
from cifake.comparison.results.scores import read_scores
from cifake.comparison.run_source import PredictionsFile, RunSource
from cifake.contract import PREDICTIONS, WITH_TEST
from cifake.core.errors import RunError
from cifake.core.reasons import reason

RUNS, SCORES = "runs", "predictions.parquet"  # in a folder of published results
PERTURBED = "robustness/"  # where a run keeps predictions of perturbed images
SOURCE = "source"  # the tag that tells own runs and published ones apart


class PublishedResults:
    """A folder that ``compare.py --publish`` wrote.

    Args:
        folder: it.

    Raises:
        RunError: there is none, it holds no runs, or a file cannot be read or is of another format.
    """

    hint = "leave out a filter, or name another folder"
    pages = ""
    cache = None  # all predictions are read at once, in less time than a cache takes

    def __init__(self, folder: Path):
        self.address = f"the results in {folder}"
        files = sorted((folder / RUNS).glob("*.json"))
        if not files:
            raise RunError(
                f"{folder} holds no published results ({RUNS}/*.json); python compare.py --publish {folder} "
                "writes them"
            )
        self._histories: dict[str, dict[str, list[Metric]]] = {}
        self._runs: list[Run] = []
        self._trials: list[Run] = []
        for file in files:
            document = read_document(file)
            try:
                run, self._histories[document["run_id"]] = to_run(document)
                self._trials += [to_run(trial)[0] for trial in document.get("trials", [])]
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise RunError(f"{file} is not a published run ({type(error).__name__}: {error})") from None
            self._runs.append(run)
        self.scores = read_scores(folder / SCORES)

    def place(self, experiments: Sequence[str]) -> str:
        return self.address

    def runs(self, experiments: Sequence[str], where: str) -> list[Run]:
        try:
            found = SearchUtils.filter(self._runs, where)
        except MlflowException as error:
            raise RunError(f"MLflow cannot read the filter {where!r} ({reason(error)})") from None
        return newest_first(found)

    def trials(self) -> list[Run]:
        return self._trials

    def history(self, run_id: str, key: str) -> list[Metric]:
        return self._histories[run_id].get(key, [])

    def predictions(self, file: PredictionsFile) -> pa.Table:
        if (file.run_id, file.file) in self.scores:
            return self.scores[file.run_id, file.file]
        for label, suffix in WITH_TEST.items():  # a set of one label beside the test part's other
            own, test = (file.run_id, file.file.replace(suffix, "")), (file.run_id, PREDICTIONS)
            if suffix in file.file and {own, test} <= self.scores.keys():
                others = self.scores[test].filter(pc.field("label") != label)
                return pa.concat_tables([self.scores[own], others])
        if file.file.startswith(PERTURBED):
            raise RunError("is published without its predictions of changed images")
        raise FileNotFoundError


class StoreAndResults:
    """A store's runs and published ones, which the tag ``source`` tells apart; the store's own come first."""

    def __init__(self, store: RunSource, results: PublishedResults):
        self.address = f"{store.address} and {results.address}"
        self.hint, self.cache, self.pages = store.hint, store.cache, store.pages
        self._store, self._results = store, results
        self._published: set[str] = set()

    def place(self, experiments: Sequence[str]) -> str:
        return f"{self._store.place(experiments)}, or {self._results.address}"

    def runs(self, experiments: Sequence[str], where: str) -> list[Run]:
        own = self._store.runs(experiments, where)
        known = {run.info.run_id for run in own}
        others = [run for run in self._results.runs((), where) if run.info.run_id not in known]
        self._published |= {run.info.run_id for run in others}
        for name, runs in {"store": own, "results": others}.items():
            for run in runs:
                run.data.tags[SOURCE] = name
        return newest_first([*own, *others])

    def trials(self) -> list[Run]:
        sources: tuple[RunSource, ...] = (self._store, self._results)
        return [
            trial
            for source in sources
            for trial in source.trials()
            if self._source(trial.data.tags.get(MLFLOW_PARENT_RUN_ID, "")) is source
        ]

    def history(self, run_id: str, key: str) -> list[Metric]:
        return self._source(run_id).history(run_id, key)

    def predictions(self, file: PredictionsFile) -> pa.Table:
        return self._source(file.run_id).predictions(file)

    def _source(self, run_id: str) -> RunSource:
        return self._results if run_id in self._published else self._store


def newest_first(runs: Sequence[Run]) -> list[Run]:
    """Runs by the time at which they began."""
    return sorted(runs, key=lambda run: run.info.start_time or 0, reverse=True)
