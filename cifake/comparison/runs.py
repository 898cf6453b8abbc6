"""Read finished runs of variants from an MLflow store into a frame."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from cifake.contract import FAILURE_TAG, TRIAL_SCORE, TRIAL_TAG
from cifake.core.errors import RunError

PAGE = 5000
REQUESTS = 8  # at a time
TAGS = ("variant", "config_hash", "dataset", "dataset_digest", "split", "test_images", "robustness")
PARAMETER = "params."
PARENT_TAG = "mlflow.parentRunId"


def fetch_runs(
    tracking_uri: str | None = None,
    experiments: Sequence[str] = (),
    variants: Sequence[str] = (),
    split: str | None = None,
    where: str = "",
) -> pd.DataFrame:
    """Finished variant runs, newest first.

    Args:
        tracking_uri: the store; None is MLflow's own choice (MLFLOW_TRACKING_URI, ./mlflow.db).
        experiments: names; none means MLFLOW_EXPERIMENT_NAME or, without it, ``cifake`` and
            ``Default``, where `mlflow run` files runs unless told otherwise.
        variants: keep only these; none keeps all.
        split: keep only this one.
        where: a filter in MLflow's search language, such as ``params.optimizer = 'adam'``.

    Returns:
        One row a run: ``run_id``, ``artifacts`` (their address), the contract's tags, metrics by
        key, ``params.<key>``.

    Raises:
        RunError: a store that is missing or does not answer, an unknown experiment, no run.
    """
    if tracking_uri:
        mlflow.set_tracking_uri(tracking_uri)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # MLflow's 7 take four minutes
    uri = mlflow.get_tracking_uri()
    hint = "make a run first: mlflow run . -e base --env-manager local"
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        raise RunError(f"there is no store at {uri}; {hint}")
    try:
        runs = _search(experiments, where)
    except MlflowException as error:
        reason = str(error).splitlines()[0]
        if where and error.error_code == "INVALID_PARAMETER_VALUE":
            raise RunError(f"MLflow cannot read the filter {where!r} ({reason})") from None
        raise RunError(f"the store at {uri} cannot be read ({reason})") from None
    if not runs:
        matching = f" that matches {where!r}" if where else ""
        raise RunError(f"no finished variant run{matching} in {uri}, {_names(experiments)}; {hint}")
    frame = pd.DataFrame([_row(run) for run in runs])
    seed = f"{PARAMETER}seed"
    frame[seed] = frame[seed].fillna(frame["run_id"]) if seed in frame else frame["run_id"]
    return _keep(_keep(frame, "variant", variants), "split", [split] if split else [])


def fetch_history(run_ids: Sequence[str], key: str) -> list[dict[int, float]]:
    """A metric's values by epoch, one dictionary a run."""
    client = mlflow.MlflowClient()
    with ThreadPoolExecutor(REQUESTS) as pool:
        histories = pool.map(lambda run_id: client.get_metric_history(run_id, key), run_ids)
        return [{point.step: point.value for point in points} for points in histories]


def fetch_trials(run_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The trials of searches, which are nested in the searches' runs.

    Args:
        run_ids: of the searches' runs; others have no trials.

    Returns:
        One row a trial: ``parent``, ``trial`` (its number), ``status``, ``score`` (None without),
        ``failure``, ``params.<key>``.
    """
    ids = [experiment.experiment_id for experiment in mlflow.MlflowClient().search_experiments()]
    parents = set(run_ids)
    return [
        {
            "parent": run.data.tags.get(PARENT_TAG),
            "trial": int(run.data.tags[TRIAL_TAG]),
            "status": run.info.status,
            "score": run.data.metrics.get(TRIAL_SCORE),
            "failure": run.data.tags.get(FAILURE_TAG),
            **{PARAMETER + key: value for key, value in run.data.params.items()},
        }
        for run in _all_pages(ids, f"tags.{TRIAL_TAG} LIKE '%'")
        if run.data.tags.get(PARENT_TAG) in parents
    ]


def _names(experiments: Sequence[str]) -> str:
    return f"experiment {' or '.join(experiments or _default_experiments())}"


def _default_experiments() -> list[str]:
    given = os.environ.get("MLFLOW_EXPERIMENT_NAME")
    return [given] if given else ["cifake", "Default"]


def _search(experiments: Sequence[str], where: str) -> list[Run]:
    client = mlflow.MlflowClient()
    found = [(name, client.get_experiment_by_name(name)) for name in experiments or _default_experiments()]
    unknown = [name for name, experiment in found if experiment is None]
    if experiments and unknown:
        known = ", ".join(experiment.name for experiment in client.search_experiments())
        raise RunError(f"unknown experiment '{unknown[0]}'; known: {known}")
    wanted = "attributes.status = 'FINISHED' AND tags.variant LIKE '%'"
    ids = [experiment.experiment_id for _, experiment in found if experiment]
    return _all_pages(ids, f"{wanted} AND {where}" if where else wanted)


def _all_pages(experiment_ids: Sequence[str], wanted: str) -> list[Run]:
    client = mlflow.MlflowClient()
    runs: list[Run] = []
    token: str | None = None
    while experiment_ids:
        page = client.search_runs(experiment_ids, wanted, max_results=PAGE, page_token=token)
        runs += page
        token = page.token
        if not token:
            break
    return runs


def _row(run: Run) -> dict[str, Any]:
    tags = {name: run.data.tags.get(name, "") for name in TAGS}
    params = {PARAMETER + key: value for key, value in run.data.params.items()}
    place = {"run_id": run.info.run_id, "artifacts": run.info.artifact_uri}
    return {**place, **tags, **params, **run.data.metrics}


def _keep(frame: pd.DataFrame, column: str, wanted: Sequence[str]) -> pd.DataFrame:
    if not wanted:
        return frame
    known = sorted(frame[column].unique())
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise RunError(f"no finished run with {column} '{unknown[0]}'; there are: {', '.join(known)}")
    return frame[frame[column].isin(wanted)]
