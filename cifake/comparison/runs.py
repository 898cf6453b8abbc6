"""Read finished runs of variants from an MLflow store into a frame."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from cifake.errors import RunError

PAGE = 5000
TAGS = ("variant", "config_hash", "dataset", "dataset_digest", "split", "test_images")
PARAMETER = "params."


def fetch_runs(
    tracking_uri: str | None = None,
    experiments: Sequence[str] = (),
    variants: Sequence[str] = (),
    split: str | None = None,
) -> pd.DataFrame:
    """Finished variant runs, newest first.

    Args:
        tracking_uri: the store; None is MLflow's own choice (MLFLOW_TRACKING_URI, ./mlflow.db).
        experiments: names; none means MLFLOW_EXPERIMENT_NAME or, without it, ``cifake`` and
            ``Default``, where `mlflow run` files runs unless told otherwise.
        variants: keep only these; none keeps all.
        split: keep only this one.

    Returns:
        One row a run: ``run_id``, the contract's tags, metrics by key, ``params.<key>``.

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
        runs = _search(experiments)
    except MlflowException as error:
        raise RunError(f"the store at {uri} cannot be read ({str(error).splitlines()[0]})") from None
    frame = pd.DataFrame([_row(run) for run in runs])
    if frame.empty:
        raise RunError(f"no finished variant run in {uri}, {_names(experiments)}; {hint}")
    return _keep(_keep(frame, "variant", variants), "split", [split] if split else [])


def _names(experiments: Sequence[str]) -> str:
    return f"experiment {' or '.join(experiments or _default_experiments())}"


def _default_experiments() -> list[str]:
    given = os.environ.get("MLFLOW_EXPERIMENT_NAME")
    return [given] if given else ["cifake", "Default"]


def _search(experiments: Sequence[str]) -> list[Run]:
    client = mlflow.MlflowClient()
    found = [(name, client.get_experiment_by_name(name)) for name in experiments or _default_experiments()]
    unknown = [name for name, experiment in found if experiment is None]
    if experiments and unknown:
        known = ", ".join(experiment.name for experiment in client.search_experiments())
        raise RunError(f"unknown experiment '{unknown[0]}'; known: {known}")
    ids = [experiment.experiment_id for _, experiment in found if experiment]
    runs: list[Run] = []
    token: str | None = None
    while ids:
        page = client.search_runs(
            ids,
            "attributes.status = 'FINISHED' AND tags.variant LIKE '%'",
            max_results=PAGE,
            page_token=token,
        )
        runs += page
        token = page.token
        if not token:
            break
    return runs


def _row(run: Run) -> dict[str, Any]:
    tags = {name: run.data.tags.get(name, "") for name in TAGS}
    params = {PARAMETER + key: value for key, value in run.data.params.items()}
    return {"run_id": run.info.run_id, **tags, **params, **run.data.metrics}


def _keep(frame: pd.DataFrame, column: str, wanted: Sequence[str]) -> pd.DataFrame:
    if not wanted:
        return frame
    known = sorted(frame[column].unique())
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise RunError(f"no finished run with {column} '{unknown[0]}'; there are: {', '.join(known)}")
    return frame[frame[column].isin(wanted)]
