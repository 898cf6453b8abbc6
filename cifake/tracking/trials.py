"""A search in MLflow: its run, the nested runs of its trials, and where its state lies."""

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import mlflow
from matplotlib.figure import Figure
from mlflow.entities import Param, Run, RunStatus
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from cifake.config import Settings
from cifake.contract import DATA_TAGS, SEARCH_TAG, TRIAL_SCORE, TRIAL_TAG, higher_is_better
from cifake.core.cache_directory import cache_directory
from cifake.core.errors import RunError
from cifake.data import Dataset
from cifake.search.trial import Trial
from cifake.tracking.retry import EpochLog, retry_while_unavailable
from cifake.tracking.run_status import end_run


def search_directory(settings: Settings, data: Dataset) -> Path:
    """Where the state of a search lies: a folder for each settings, data and store.

    Its last part names the search.
    """
    about = json.dumps([settings.model_dump(), data.digest, mlflow.get_tracking_uri()], sort_keys=True)
    return cache_directory() / "searches" / hashlib.sha256(about.encode()).hexdigest()[:20]


def stopped_search(name: str) -> str | None:
    """The id of the run of a search that did not come to its end, if there is one."""
    runs = search_runs(f"tags.{SEARCH_TAG} = '{name}' AND attributes.status != 'FINISHED'")
    return str(runs[0].info.run_id) if runs else None


@contextlib.contextmanager
def tracked_trial(
    search: str, number: int, values: Mapping[str, Any], settings: Settings
) -> Iterator[Callable[[int, dict[str, float]], None]]:
    """A nested run for one trial: FINISHED with its score, FAILED or KILLED with the reason.

    Args:
        search: the name of the search; its run is the parent.
        number: of the trial.
        values: by name, as searched.
        settings: of the trial.

    Yields:
        What takes the metrics of each epoch.
    """
    client = mlflow.MlflowClient()
    parent = client.get_run(_parent(search))
    _end_killed(parent.info.run_id, number)
    tags = {key: parent.data.tags[key] for key in DATA_TAGS}
    run_id = client.create_run(
        parent.info.experiment_id,
        run_name=f"trial {number}",
        tags={MLFLOW_PARENT_RUN_ID: parent.info.run_id, TRIAL_TAG: str(number), **tags},
    ).info.run_id
    log_new_params(run_id, {**settings.flat(), **values})
    scores: list[float] = []

    log = EpochLog(run_id)

    def log_epoch(epoch: int, metrics: dict[str, float]) -> None:
        log(epoch, metrics)
        scores.append(metrics[settings.monitor])

    try:
        yield log_epoch
    except BaseException as error:
        status = RunStatus.FAILED if isinstance(error, Exception) else RunStatus.KILLED
        end_run(run_id, status, f"{type(error).__name__}: {error}")
        raise
    log.deliver()
    retry_while_unavailable(client.log_metric)(
        run_id, TRIAL_SCORE, (max if higher_is_better(settings.monitor) else min)(scores)
    )
    retry_while_unavailable(client.set_terminated)(run_id)


@retry_while_unavailable
def log_search(trials: Sequence[Trial], best: Trial, chosen: Settings, figure: Figure) -> None:
    """Log to the parent what its search found.

    Args:
        trials: all of them.
        best: one of them.
        chosen: the settings that the best model is trained with, logged as ``best.yaml``.
        figure: of the search.
    """
    run_id = mlflow.active_run().info.run_id
    names = {name.rpartition(".")[0] if name not in chosen.flat() else name for name in best.values}
    log_new_params(run_id, {key: value for key, value in chosen.flat().items() if key in names})
    failed = sum(trial.score is None for trial in trials)
    found = {"search/trials": len(trials), "search/failed_trials": failed, "search/best_trial": best.number}
    mlflow.log_metrics({**found, "search/best_score": best.score})
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "best.yaml").write_text(chosen.to_yaml())
        (Path(name) / "figures").mkdir()
        figure.savefig(Path(name) / "figures" / "search.png")
        mlflow.log_artifacts(name)


@retry_while_unavailable
def log_new_params(run_id: str, params: Mapping[str, Any]) -> None:
    """Log the params that are not there yet; logging another text for one would fail."""
    already = mlflow.get_run(run_id).data.params
    new = [Param(key, str(value)) for key, value in params.items() if key not in already]
    for start in range(0, len(new), 100):  # the most that one request takes
        mlflow.MlflowClient().log_batch(run_id, params=new[start : start + 100])


def _parent(search: str) -> str:
    runs = search_runs(f"tags.{SEARCH_TAG} = '{search}' AND attributes.status = 'RUNNING'")
    if not runs:
        raise RunError(f"the store has no run of the search {search}; the chief must use the same store")
    return str(runs[0].info.run_id)


def _end_killed(parent: str, number: int) -> None:
    """A nested run of the same trial that still runs belongs to a process that was killed."""
    filters = f"tags.`{MLFLOW_PARENT_RUN_ID}` = '{parent}' AND tags.{TRIAL_TAG} = '{number}'"
    for run in search_runs(f"{filters} AND attributes.status = 'RUNNING'"):
        end_run(run.info.run_id, RunStatus.KILLED, "its process was killed; the trial was run again")


@retry_while_unavailable
def search_runs(filters: str) -> list[Run]:
    """Runs of every experiment that a filter finds, newest first."""
    client = mlflow.MlflowClient()
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return list(client.search_runs(experiments, filters))
