"""Read finished runs of variants, their histories and their trials from a store."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd
from mlflow.entities import Run
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_PARENT_RUN_ID

from cifake.comparison.run_store import HINT, RunStore
from cifake.contract import (
    CONFIG_HASH_TAG,
    DATA_TAGS,
    EXPERIMENT,
    FAILURE_TAG,
    ROBUSTNESS_TAG,
    TEST_IMAGES_TAG,
    TRIAL_SCORE,
    TRIAL_TAG,
    VARIANT_TAG,
)
from cifake.core.errors import RunError

REQUESTS = 8  # at a time
TAGS = (VARIANT_TAG, CONFIG_HASH_TAG, *DATA_TAGS, TEST_IMAGES_TAG, ROBUSTNESS_TAG)
PARAMETER = "params."
SEED = f"{PARAMETER}seed"
OF_EPOCHS = ("val/", "train/")  # metrics that have a value an epoch
BEST_EPOCH = "best_epoch"


def fetch_runs(
    store: RunStore,
    experiments: Sequence[str] = (),
    variants: Sequence[str] = (),
    split: str | None = None,
    where: str = "",
) -> pd.DataFrame:
    """Finished variant runs, newest first.

    Args:
        store: to read from.
        experiments: names; none means MLFLOW_EXPERIMENT_NAME or, without it, ``cifake`` and
            ``Default``, where `mlflow run` files runs unless told otherwise.
        variants: keep only these; none keeps all.
        split: keep only this one.
        where: a filter in MLflow's search language, such as ``params.optimizer = 'adam'``.

    Returns:
        One row a run: ``run_id``, ``experiment_id``, ``artifacts`` (their address), ``commit`` (empty where
        unknown), the contract's tags, metrics by key, ``params.<key>``.

    Raises:
        RunError: a store that cannot be read, an unknown experiment, no run.
    """
    names = experiments or _default_experiments()
    wanted = f"attributes.status = 'FINISHED' AND tags.{VARIANT_TAG} LIKE '%'"
    with store.reading(where):
        ids = _experiment_ids(store, names, required=bool(experiments))
        runs = store.search(ids, f"{wanted} AND {where}" if where else wanted)
    if not runs:
        matching = f" that matches {where!r}" if where else ""
        raise RunError(
            f"no finished variant run{matching} in {store.address}, experiment {' or '.join(names)}; {HINT}"
        )
    frame = pd.DataFrame([_row(run) for run in runs])
    frame[SEED] = frame[SEED].fillna(frame["run_id"]) if SEED in frame else frame["run_id"]
    return _keep(_keep(frame, "variant", variants), "split", [split] if split else [])


def fetch_history(store: RunStore, run_ids: Sequence[str], key: str) -> list[dict[int, float]]:
    """A metric's values by epoch, counted from 0; one dictionary a run."""
    with store.reading(), ThreadPoolExecutor(REQUESTS) as pool:
        histories = pool.map(lambda run_id: store.client.get_metric_history(run_id, key), run_ids)
        return [{point.step: point.value for point in points} for points in histories]


def of_kept_epoch(store: RunStore, runs: pd.DataFrame, key: str) -> pd.DataFrame:
    """The runs with a metric of an epoch, ``val/loss``, taken at the epoch whose weights are kept.

    MLflow's own value is the last epoch's. Runs have the kept one as ``best/val_loss``; for earlier runs
    it is read from the history, at the step ``best_epoch``. Other metrics stay as they are.
    """
    if not key.startswith(OF_EPOCHS) or BEST_EPOCH not in runs:
        return runs
    logged = f"best/{key.replace('/', '_')}"
    kept = runs[logged].copy() if logged in runs else pd.Series(float("nan"), runs.index)
    old = runs[kept.isna() & runs[BEST_EPOCH].notna() & runs[key].notna()]
    histories = fetch_history(store, list(old["run_id"]), key)
    for row, best, history in zip(old.index, old[BEST_EPOCH], histories, strict=True):
        kept[row] = history.get(int(best), float("nan"))
    return runs.assign(**{key: kept.fillna(runs[key])})


def fetch_trials(store: RunStore, run_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The trials of searches, which are nested in the searches' runs.

    Args:
        store: to read from.
        run_ids: of the searches' runs; others have no trials.

    Returns:
        One row a trial: ``parent``, ``trial`` (its number), ``status``, ``score`` (None without),
        ``failure``, ``params.<key>``.
    """
    with store.reading():
        ids = [experiment.experiment_id for experiment in store.client.search_experiments()]
        runs = store.search(ids, f"tags.{TRIAL_TAG} LIKE '%'")
    return [
        {
            "parent": run.data.tags[MLFLOW_PARENT_RUN_ID],
            "trial": int(run.data.tags[TRIAL_TAG]),
            "status": run.info.status,
            "score": run.data.metrics.get(TRIAL_SCORE),
            "failure": run.data.tags.get(FAILURE_TAG),
            **_params(run),
        }
        for run in runs
        if run.data.tags.get(MLFLOW_PARENT_RUN_ID) in run_ids
    ]


def _default_experiments() -> list[str]:
    given = os.environ.get("MLFLOW_EXPERIMENT_NAME")
    return [given] if given else [EXPERIMENT, "Default"]


def _experiment_ids(store: RunStore, names: Sequence[str], required: bool) -> list[str]:
    experiments = [store.client.get_experiment_by_name(name) for name in names]
    if required and None in experiments:
        known = ", ".join(experiment.name for experiment in store.client.search_experiments())
        raise RunError(f"unknown experiment '{names[experiments.index(None)]}'; known: {known}")
    return [experiment.experiment_id for experiment in experiments if experiment]


def _row(run: Run) -> dict[str, Any]:
    tags = {name: run.data.tags.get(name, "") for name in TAGS}
    origin = {
        "run_id": run.info.run_id,
        "experiment_id": run.info.experiment_id,
        "artifacts": run.info.artifact_uri,
        "commit": run.data.tags.get(MLFLOW_GIT_COMMIT, ""),
    }
    return {**origin, **tags, **_params(run), **run.data.metrics}


def _params(run: Run) -> dict[str, str]:
    return {PARAMETER + key: value for key, value in run.data.params.items()}


def _keep(frame: pd.DataFrame, column: str, wanted: Sequence[str]) -> pd.DataFrame:
    if not wanted:
        return frame
    known = sorted(frame[column].unique())
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise RunError(f"no finished run with {column} '{unknown[0]}'; there are: {', '.join(known)}")
    return frame[frame[column].isin(wanted)]
