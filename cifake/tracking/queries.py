"""Find runs in the store."""

import os
from collections.abc import Sequence

import mlflow
from mlflow.entities import Experiment, Run

from cifake.contract import CONFIG_HASH_TAG, EXPERIMENT, RUN_KEY_TAG
from cifake.core.errors import RunError
from cifake.core.paging import every_page
from cifake.tracking.mlflow_project import project_run_id
from cifake.tracking.process_identity import is_dead, process_identity
from cifake.tracking.retry import client

SECONDS = "cost/train_seconds"
FINISHED, UNFINISHED = "attributes.status = 'FINISHED'", "attributes.status != 'FINISHED'"
RUNNING = "attributes.status = 'RUNNING'"


def search_runs(*conditions: str) -> list[Run]:
    """Runs of every experiment that meet all conditions, newest first."""
    experiments = [experiment.experiment_id for experiment in every_page(client.search_experiments)]
    return list(every_page(client.search_runs, experiments, " AND ".join(conditions)))


def tagged(tag: str, value: str) -> str:
    """The condition that a tag has a value; MLflow has no escape characters, but two kinds of quotes."""
    quote = '"' if "'" in value else "'"
    return f"tags.`{tag}` = {quote}{value}{quote}"


def experiment_id(store: mlflow.MlflowClient = client) -> str:
    """The id of the experiment that new runs are filed in; the experiment is created if it is missing.

    In the current store that of the run that ``mlflow run`` created; or else see ``named_experiment``.
    """
    if store is client and (launched := project_run_id()):
        return experiment_of(launched)
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    return str(getattr(named_experiment(store), "experiment_id", "") or store.create_experiment(name))


def named_experiment(store: mlflow.MlflowClient = client) -> Experiment | None:
    """The experiment that MLFLOW_EXPERIMENT_NAME or MLFLOW_EXPERIMENT_ID names, or else ``cifake``.

    Raises:
        RunError: the two name different ones.
    """
    name, number = os.environ.get("MLFLOW_EXPERIMENT_NAME"), os.environ.get("MLFLOW_EXPERIMENT_ID")
    if number and not name:
        return store.get_experiment(number)
    known = store.get_experiment_by_name(name or EXPERIMENT)
    if number and number != getattr(known, "experiment_id", None):
        raise RunError(
            f"MLFLOW_EXPERIMENT_NAME={name} and MLFLOW_EXPERIMENT_ID={number} name two experiments; "
            "unset one of them"
        )
    return known


def experiment_of(run_id: str) -> str:
    """The id of the experiment that a run is filed in."""
    return str(client.get_run(run_id).info.experiment_id)


def experiments_of(run_ids: Sequence[str]) -> list[str]:
    """The names of the experiments that runs are filed in."""
    return sorted(client.get_experiment(each).name for each in {*map(experiment_of, run_ids)})


def finished_run(key: str) -> str | None:
    """The id of the newest finished run of a training; None without one."""
    return newest_run(tagged(RUN_KEY_TAG, key), FINISHED)


def unfinished_run(key: str) -> str | None:
    """The id of the newest run of a training that was stopped before its end; None without one.

    The caller holds the training's lock, so no other process of this machine runs it. A run that names
    this process as its owner was created by a request whose answer was lost, or could not be ended.
    """
    own = process_identity().items()
    for run in search_runs(tagged(RUN_KEY_TAG, key), UNFINISHED):
        if run.info.status != "RUNNING" or is_dead(run.data.tags) or own <= run.data.tags.items():
            return str(run.info.run_id)
    return None


def earlier_seconds(config_hash: str) -> float | None:
    """Mean seconds of training of the finished runs of these settings; None without one."""
    runs = search_runs(tagged(CONFIG_HASH_TAG, config_hash), FINISHED)
    seconds = [run.data.metrics[SECONDS] for run in runs if SECONDS in run.data.metrics]
    return sum(seconds) / len(seconds) if seconds else None


def newest_run(*conditions: str) -> str | None:
    """The id of the newest run that meets all conditions; None without one."""
    runs = search_runs(*conditions)
    return str(runs[0].info.run_id) if runs else None
