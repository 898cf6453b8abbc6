"""A search in MLflow: its run, the nested runs of its trials, and where its state lies."""

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import mlflow
from matplotlib.figure import Figure
from mlflow.entities import RunStatus
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from cifake.config import Settings
from cifake.contract import DATA_TAGS, SEARCH_TAG, TRIAL_SCORE, TRIAL_TAG, higher_is_better
from cifake.core.cache_directory import cache_directory
from cifake.core.errors import RunError
from cifake.data import Dataset
from cifake.search.trial import Trial
from cifake.tracking.epochs import EpochLog
from cifake.tracking.identity import run_key
from cifake.tracking.queries import RUNNING, newest_run, search_runs, tagged
from cifake.tracking.retry import client, retry_while_unavailable
from cifake.tracking.run_status import create_run, end_failed, end_run
from cifake.tracking.run_values import log_new_params, log_values


def search_directory(settings: Settings, data: Dataset) -> Path:
    """Where the state of a search lies: a folder for each combination of settings, data, code and store.

    Its last part is the name of the search.
    """
    key = f"{run_key(settings, data.digest)} {mlflow.get_tracking_uri()}"
    return cache_directory() / "searches" / hashlib.sha256(key.encode()).hexdigest()[:20]


@contextlib.contextmanager
def tracked_trial(
    search: str, number: int, values: Mapping[str, Any], settings: Settings
) -> Iterator[Callable[[int, dict[str, float]], None]]:
    """A run for one trial, nested in that of its search: FINISHED with its score, FAILED or KILLED.

    Yields:
        A function that logs the metrics of each epoch.
    """
    run_id = _start_trial(search, number)
    log_new_params(run_id, {**settings.flat(), **values})
    log = EpochLog(run_id)
    scores: list[float] = []

    def on_epoch_end(epoch: int, metrics: dict[str, float]) -> None:
        log(epoch, metrics)
        scores.append(metrics[settings.monitor])

    try:
        yield on_epoch_end
    except BaseException as error:
        end_failed(run_id, error, wait=isinstance(error, Exception))  # the search continues
        raise
    log.deliver()
    log_values(run_id, {TRIAL_SCORE: (max if higher_is_better(settings.monitor) else min)(scores)})
    end_run(run_id)


def log_search(run_id: str, trials: Sequence[Trial], best: Trial, chosen: Settings, figure: Figure) -> None:
    """Log the result of a search; ``chosen`` are the settings of its best trial, kept as ``best.yaml``."""
    names = {name.rpartition(".")[0] if name not in chosen.flat() else name for name in best.values}
    log_new_params(run_id, {key: value for key, value in chosen.flat().items() if key in names})
    metrics: dict[str, Any] = {
        "search/trials": len(trials),
        "search/failed_trials": sum(trial.score is None for trial in trials),
        "search/best_trial": best.number,
        "search/best_score": best.score,
    }
    log_values(run_id, metrics)
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "best.yaml").write_text(chosen.to_yaml(), encoding="utf-8")
        (Path(name) / "figures").mkdir()
        figure.savefig(Path(name) / "figures" / "search.png")
        client.log_artifacts(run_id, name)


@retry_while_unavailable
def _start_trial(search: str, number: int) -> str:
    """Create a trial's run; an earlier one that is still RUNNING belongs to a process that was killed."""
    parent_id = newest_run(tagged(SEARCH_TAG, search), RUNNING)
    if not parent_id:
        raise RunError(f"the store has no run of the search {search}; the chief must use the same store")
    parent = client.get_run(parent_id)
    tags = {MLFLOW_PARENT_RUN_ID: parent_id, TRIAL_TAG: str(number)}
    filters = [tagged(name, value) for name, value in tags.items()]
    for run in search_runs(*filters, RUNNING):
        end_run(run.info.run_id, RunStatus.KILLED, "its process was killed; the trial was run again")
    data = {name: parent.data.tags[name] for name in DATA_TAGS}
    return create_run(parent.info.experiment_id, f"trial {number}", {**tags, **data})
