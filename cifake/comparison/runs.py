"""Finished runs of variants, their histories and their trials as frames and rows."""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from mlflow.entities import Run
from mlflow.utils.mlflow_tags import MLFLOW_GIT_COMMIT, MLFLOW_PARENT_RUN_ID

from cifake.comparison.run_source import RunSource
from cifake.contract import (
    ADVERSARY_TAG,
    CODE_VERSION_TAG,
    CONFIG_HASH_TAG,
    FAILURE_TAG,
    LIBRARIES_TAG,
    ROBUSTNESS_TAG,
    RUN_TAGS,
    SEQUENTIAL_TAG,
    TEST_IMAGES_TAG,
    TRIAL_SCORE,
    TRIAL_TAG,
    line_of,
    setting_text,
)
from cifake.core.errors import ConfigError, RunError
from cifake.core.nearest import nearest

REQUESTS = 8  # at a time
TAGS = (
    *RUN_TAGS, TEST_IMAGES_TAG, ROBUSTNESS_TAG, ADVERSARY_TAG, CODE_VERSION_TAG, LIBRARIES_TAG,
    SEQUENTIAL_TAG,
)  # fmt: skip
TABLE = "table"  # runs that share it are compared with each other: their test images are the same
GROUP = "group"  # runs that share it are repeats: config_hash, and the value of group_by
FOREIGN = "foreign"  # attribute of the frame: how many runs do not keep the run contract
FEW_SEEDS = "few_seeds"  # and how many ``with_seeds`` left out
INFINITE = sys.float_info.max  # as MLflow's databases keep infinity
PARAMETER = "params."
SEED = f"{PARAMETER}seed"
OF_EPOCHS = ("val/", "train/")  # metrics that have a value an epoch
BEST_EPOCH = "best_epoch"


def fetch_runs(
    store: RunSource,
    experiments: Sequence[str] = (),
    variants: Sequence[str] = (),
    split: str | None = None,
    where: str = "",
    group_by: str | None = None,
) -> pd.DataFrame:
    """Finished variant runs that keep the run contract, newest first; values that are not finite are inf.

    Args:
        store: to read from.
        experiments: names; none means the store's usual ones.
        variants: keep only these; none keeps all.
        split: keep only this one; ``full,all`` are compared with each other.
        where: a filter in MLflow's search language, such as ``params.optimizer = 'adam'``.
        group_by: a tag or param whose values are told apart as if it were a setting.

    Returns:
        One row a run: ``run_id``, ``experiment_id``, ``artifacts`` (their address), ``commit`` (empty where
        unknown), ``table``, ``group``, the contract's tags, metrics by key, ``best_epoch`` counted from 1,
        ``params.<key>``.

    Raises:
        ConfigError: no run has the tag or param to group by.
        RunError: a store that cannot be read, an unknown experiment, no run.
    """
    found = store.runs(experiments, where)
    runs = [run for run in found if run.data.tags.keys() >= {*RUN_TAGS}]
    if not runs:
        matching = f" that matches {where!r}" if where else ""
        others = f" ({len(found)} of other projects)" if found else ""
        raise RunError(
            f"no finished variant run{matching} in {store.place(experiments)}{others}; {store.hint}"
        )
    frame = pd.DataFrame([_row(run) for run in runs])
    texts = frame.select_dtypes(exclude="float").columns
    frame = frame.astype(dict.fromkeys(texts, object)).copy()  # one block, far faster to take rows from
    frame[SEED] = frame[SEED].fillna(frame["run_id"]) if SEED in frame else frame["run_id"]
    frame[GROUP] = frame[CONFIG_HASH_TAG]
    if group_by:
        frame[PARAMETER + group_by] = _values_of(runs, group_by)
        frame[GROUP] += " " + frame[PARAMETER + group_by]
    frame[TABLE] = frame["dataset"] + " " + frame["split"] + " " + frame["dataset_digest"]
    if split == "full,all":
        frame[TABLE] = [digest.partition("-")[0] for digest in frame["dataset_digest"]]  # without the split
    frame.attrs[FOREIGN] = len(found) - len(runs)
    frame = _keep(frame, "variant", variants)
    splits = split.split(",") if split else []
    return _keep(frame, "split", [each for each in splits if each in set(frame["split"])] or splits)


def fetch_history(store: RunSource, run_ids: Sequence[str], key: str) -> list[dict[int, float]]:
    """A metric's newest value at each of MLflow's steps, epochs from 0; one dictionary a run.

    A value that is not finite is inf.
    """
    with ThreadPoolExecutor(REQUESTS) as pool:
        histories = pool.map(lambda run_id: store.history(run_id, key), run_ids)
        return [
            {
                point.step: _finite_or_inf(point.value)
                for point in sorted(points, key=lambda point: point.timestamp)
            }
            for points in histories
        ]


def with_value(store: RunSource, runs: pd.DataFrame, key: str) -> pd.DataFrame:
    """The runs, with a metric that has several steps at the relevant one; MLflow's value is the last step's.

    A metric of an epoch, ``val/loss``, is taken at the epoch whose weights are kept. Runs have it as
    ``best/val_loss``; for earlier runs it is read from the history. A metric of a perturbation is taken from
    the line over its kind's strengths; earlier runs have it as it is. Other metrics stay as they are.
    """
    if line_of(key):
        return with_perturbations(store, runs, [key])
    if not key.startswith(OF_EPOCHS) or not {key, BEST_EPOCH} <= set(runs):
        return runs
    logged = f"best/{key.replace('/', '_')}"
    kept = runs[logged].copy() if logged in runs else pd.Series(float("nan"), runs.index)
    old = runs[kept.isna() & runs[BEST_EPOCH].notna() & runs[key].notna()]
    histories = fetch_history(store, list(old["run_id"]), key)
    for row, best, history in zip(old.index, old[BEST_EPOCH], histories, strict=True):
        kept[row] = history.get(int(best) - 1, float("nan"))
    return runs.assign(**{key: kept.fillna(runs[key])})


def with_seeds(runs: pd.DataFrame, key: str, least: int) -> pd.DataFrame:
    """The runs of those groups of which so many seeds have a finite value of a metric.

    Raises:
        RunError: there is none.
    """
    if least == 1:
        return runs
    scored = runs[SEED].where(np.isfinite(runs[key]))
    seeds = scored.groupby([runs[TABLE], runs[GROUP]]).transform("nunique")
    kept = runs[seeds >= least]
    if kept.empty:
        raise RunError(
            f"min_seeds: expected a variant with {key} of {least} seeds, found at most {seeds.max()}"
        )
    kept.attrs[FEW_SEEDS] = len(runs) - len(kept)
    return kept


def with_perturbations(store: RunSource, runs: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The runs with metrics such as ``robust/pgd_2/accuracy`` as columns, if any run has them."""
    points = {key: point for key in keys if (point := line_of(key)) and point[0] in runs}
    columns = {}
    for line in dict.fromkeys(line for line, _ in points.values()):
        drawn = runs[runs[line].notna()]
        histories = fetch_history(store, list(drawn["run_id"]), line)
        for key, (of_line, step) in points.items():
            if of_line == line:
                values = [history.get(step, float("nan")) for history in histories]
                column = pd.Series(values, drawn.index, float).reindex(runs.index)
                columns[key] = column.fillna(runs[key]) if key in runs else column
    present = {key: column for key, column in columns.items() if column.notna().any()}
    return runs.drop(columns=list(present), errors="ignore").join(pd.DataFrame(present, runs.index))


def fetch_trials(store: RunSource, run_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The trials of searches, which are nested in the searches' runs.

    Args:
        store: to read from.
        run_ids: of the searches' runs; others have no trials.

    Returns:
        One row a trial: ``parent``, ``trial`` (its number), ``status``, ``score`` (None without),
        ``failure``, ``seconds`` (None while it runs), ``params.<key>``.
    """
    return [
        {
            "parent": run.data.tags[MLFLOW_PARENT_RUN_ID],
            "trial": int(run.data.tags[TRIAL_TAG]),
            "status": run.info.status,
            "score": _finite_or_none(run.data.metrics.get(TRIAL_SCORE)),
            "failure": run.data.tags.get(FAILURE_TAG),
            "seconds": (run.info.end_time - run.info.start_time) / 1000 if run.info.end_time else None,
            **_params(run),
        }
        for run in store.trials()
        if run.data.tags.get(MLFLOW_PARENT_RUN_ID) in run_ids
    ]


def _row(run: Run) -> dict[str, Any]:
    tags = {name: run.data.tags.get(name, "") for name in TAGS}
    origin = {
        "run_id": run.info.run_id,
        "experiment_id": run.info.experiment_id,
        "artifacts": run.info.artifact_uri,
        "commit": run.data.tags.get(MLFLOW_GIT_COMMIT, ""),
    }
    metrics = {key: _finite_or_inf(value) for key, value in run.data.metrics.items()}
    if BEST_EPOCH in metrics:
        metrics[BEST_EPOCH] += 1  # what people read counts epochs from 1
    return {**origin, **tags, **_params(run), **metrics}


def _finite_or_inf(value: float) -> float:
    return value if abs(value) < INFINITE else float("inf")  # NaN is not less


def _finite_or_none(value: float | None) -> float | None:
    return value if value is not None and abs(value) < INFINITE else None


def _values_of(runs: Sequence[Run], key: str) -> list[str]:
    """The values of a tag or param, ``none`` for runs without it."""
    values = [run.data.tags.get(key, run.data.params.get(key)) for run in runs]
    if not any(values):
        known = sorted({name for run in runs for name in (*run.data.tags, *run.data.params)})
        raise ConfigError(
            f"group_by: no run has a tag or param '{key}'; did you mean '{nearest(key, known)}'?"
        )
    return [value or "none" for value in values]


def _params(run: Run) -> dict[str, str]:
    return {PARAMETER + key: setting_text(value) for key, value in run.data.params.items()}


def _keep(frame: pd.DataFrame, column: str, wanted: Sequence[str]) -> pd.DataFrame:
    if not wanted:
        return frame
    known = sorted(frame[column].unique())
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise RunError(f"no finished run with {column} '{unknown[0]}'; there are: {', '.join(known)}")
    return frame[frame[column].isin(wanted)]
