"""Publish runs of a store: a text file a run, and the predictions of all in one file."""

import logging
import re
import shlex
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from mlflow.entities import Run
from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

from cifake.comparison.prediction_files import NoPredictions, read_table
from cifake.comparison.results.documents import as_text, read_document, setting_without_folders, to_document
from cifake.comparison.results.published import RUNS, SCORES
from cifake.comparison.results.scores import read_scores, write_scores
from cifake.comparison.run_source import PredictionsFile
from cifake.comparison.run_store import RunStore
from cifake.comparison.runs import GROUP, REQUESTS, SEED
from cifake.config import load, parse_overrides
from cifake.contract import (
    CONFIG_HASH_TAG,
    OTHER_SETS,
    PREDICTIONS,
    ROBUST,
    VARIANT_TAG,
    setting_text,
)
from cifake.core.errors import ConfigError, RunError
from cifake.core.files import make_folder, written_aside

SEVERAL = ("train/", "val/", "learning_rate", ROBUST)  # beginnings of metrics with a value a step
VARIANTS = Path("experiments")
logger = logging.getLogger(__name__)


def publish(store: RunStore, runs: pd.DataFrame, folder: Path) -> str:
    """Add runs to published results; those there already stay, and the same run replaces itself.

    Args:
        store: that the runs are from.
        runs: see ``fetch_runs``; of a seed that was run again, the newest counts.
        folder: of the results.

    Returns:
        What was done, in a line.

    Raises:
        RunError: the folder holds results that cannot be read, or cannot be written.
    """
    newest = runs.drop_duplicates(["dataset", "split", "dataset_digest", GROUP, SEED])
    rows = list(zip(newest["run_id"], newest["artifacts"], strict=True))
    make_folder(folder / RUNS)
    present = {str(read_document(path)["run_id"]): path for path in (folder / RUNS).glob("*.json")}
    scores_file = folder / SCORES
    scores = read_scores(scores_file) if scores_file.exists() else {}
    trials = store.trials()
    with store.reading(), ThreadPoolExecutor(REQUESTS) as pool:
        found = dict(zip(newest["run_id"], pool.map(store.client.get_run, newest["run_id"]), strict=True))
        documents = list(pool.map(lambda run: _document(store, run, trials), found.values()))
        read = pool.map(lambda row: _tables(store, found[row[0]], row[1]), rows)
        tables = {key: table for of_run in read for key, table in of_run.items()}
    kept = {key: table for key, table in scores.items() if key[0] not in found}
    write_scores(scores_file, kept | tables)
    for run, document in zip(found.values(), documents, strict=True):
        path = present.get(run.info.run_id, folder / RUNS / _file_name(run))
        with written_aside(path) as unfinished:
            unfinished.write_text(as_text(document), encoding="utf-8")
    without = len(found) - len({run_id for run_id, file in tables if file == PREDICTIONS})
    lacking = f", {without} of them without predictions" if without else ""
    return (
        f"published: {len(found)} runs{lacking}, {len(found.keys() - present)} of them new; {folder} holds "
        f"{len(found.keys() | present)}, predictions {scores_file.stat().st_size / 1e6:.1f} MB"
    )


def _document(store: RunStore, run: Run, trials: Sequence[Run]) -> dict[str, Any]:
    several = [key for key in run.data.metrics if key.startswith(SEVERAL)]
    own = [each for each in trials if each.data.tags.get(MLFLOW_PARENT_RUN_ID) == run.info.run_id]
    histories = {key: store.history(run.info.run_id, key) for key in several}
    return to_document(run, histories, own, train_command(run.data.params, run.data.tags))


def _tables(store: RunStore, run: Run, artifacts: str) -> dict[tuple[str, str], pa.Table]:
    """The predictions of the test part and of other test sets, by run id and file.

    A set beside the test part's images, for the ROC of one label, is put together when it is read.
    """
    run_id, counts = run.info.run_id, [key for key in run.data.metrics if key.endswith("/images")]
    sets = [key.removesuffix("/images") for key in counts if key.startswith(OTHER_SETS)]
    tables = {}
    for file in (PREDICTIONS, *(f"{name}.parquet" for name in sets)):
        try:
            tables[run_id, file] = read_table(store, PredictionsFile(run_id, artifacts, file, ""))
        except NoPredictions:
            continue
        except RunError as error:
            logger.warning("run %s is published without %s: it %s", run_id, file, error)
    return tables


def _file_name(run: Run) -> str:
    tags, seed = run.data.tags, run.data.params.get("seed", "unknown")
    name = f"{tags[VARIANT_TAG]}_{tags['split']}_seed-{seed}_{run.info.run_id[:8]}"
    return re.sub(r"[^\w.-]", "_", name) + ".json"


def train_command(params: dict[str, str], tags: dict[str, str]) -> str | None:
    """The command that trains these settings again, or searches again; of paths the last parts alone.

    None where today's variant files do not lead to these settings.
    """
    path = VARIANTS / f"{tags[VARIANT_TAG]}.yaml"
    given: dict[str, str] = {key: params[key] for key in ("split", "seed") if key in params}
    try:
        usual = load(path, parse_overrides(given)).flat()
        differing = {
            key: text
            for key, text in params.items()
            if key in usual and setting_text(text) != setting_text(str(usual[key]))
            if f"search.{key}.type" not in usual  # a search logs what it found
        }
        for overrides in ({}, differing):
            chosen = given | overrides
            settings = load(path, parse_overrides({**chosen, "dataset": params["dataset"]}))
            if settings.config_hash() == tags[CONFIG_HASH_TAG]:
                values = {key: setting_without_folders(text) for key, text in chosen.items()}
                words = [f"--{key}={text}" for key, text in values.items() if key != "dataset"]
                return shlex.join(["python", "-m", "cifake.train", str(path), *words])
    except (ConfigError, KeyError):
        return None
    return None
