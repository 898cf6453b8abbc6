"""Stores of any size: one run through MLflow, then copies of its rows in SQL."""

import sqlite3
import uuid
from pathlib import Path

import mlflow
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cifake.config import load
from cifake.contract import OF_PREDICTIONS

EPOCHS = 20
COLUMNS = {
    "runs": "name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time, "
    "source_version, lifecycle_stage, experiment_id, deleted_time",
    "params": "key, value",
    "tags": "key, value",
    "metrics": "key, value, timestamp, step, is_nan",
    "latest_metrics": "key, value, timestamp, step, is_nan",
}


def make_store(folder: Path, variants: int, seeds: int, images: int = 0) -> str:
    """A SQLite store of runs by the run contract, with made-up numbers.

    Args:
        folder: where to make it.
        variants: groups of repeats.
        seeds: runs of each.
        images: in each run's predictions.parquet; 0 stores none.

    Returns:
        The store's address.
    """
    folder.mkdir(parents=True)
    uri = f"sqlite:///{folder}/mlflow.db"
    mlflow.set_tracking_uri(uri)
    mlflow.create_experiment("cifake", artifact_location=str(folder / "artifacts"))
    mlflow.set_experiment("cifake")
    template = _log_template(images)
    rng = np.random.default_rng(0)
    shared = rng.normal(size=images)
    with sqlite3.connect(folder / "mlflow.db") as store:
        for variant in range(variants):
            for seed in range(seeds):
                artifacts = folder / "artifacts" / uuid.uuid4().hex / "artifacts"
                _copy(store, template, artifacts, variant, seed)
                if images:
                    margins = 1.5 + variant / variants + shared + rng.normal(size=images) / 2
                    _write_predictions(artifacts, margins)
        for table in COLUMNS:
            store.execute(f"DELETE FROM {table} WHERE run_uuid = ?", (template,))
    return uri


def _log_template(images: int) -> str:
    settings = load("experiments/base.yaml", {})
    tags = {"dataset": "cifake", "dataset_digest": "made-up", "split": "full", "test_images": images or 20000}
    with mlflow.start_run() as run:
        mlflow.set_tags({**tags, "variant": "", "config_hash": ""})
        mlflow.log_params(settings.flat())
        for epoch in range(EPOCHS):
            mlflow.log_metrics({"train/loss": 0.1, "val/loss": 0.2, "val/accuracy": 0.9}, step=epoch)
        mlflow.log_metrics({f"test/{name}": 0.9 for name in OF_PREDICTIONS})
        mlflow.log_metrics({"cost/train_seconds": 60.0, "cost/parameters": 6e5, "best_epoch": 9})
    return str(run.info.run_id)


def _copy(store: sqlite3.Connection, template: str, artifacts: Path, variant: int, seed: int) -> None:
    """A run like the template, but for its variant, seed and test scores."""
    run_id = artifacts.parent.name
    for table, columns in COLUMNS.items():
        place = ("artifact_uri, ", f"'{artifacts}', ") if table == "runs" else ("", "")
        store.execute(
            f"INSERT INTO {table} ({place[0]}{columns}, run_uuid) "
            f"SELECT {place[1]}{columns}, ? FROM {table} WHERE run_uuid = ?",
            (run_id, template),
        )
    values = {("tags", "variant"): f"v{variant}", ("tags", "config_hash"): f"h{variant}"}
    values |= {("params", "seed"): seed, ("params", "epochs"): variant + 1}
    values |= {
        (table, f"test/{name}"): 0.9 + variant / 1e5 + seed / 1e6
        for table in ("metrics", "latest_metrics")
        for name in OF_PREDICTIONS
    }
    for (table, key), value in values.items():
        store.execute(f"UPDATE {table} SET value = ? WHERE run_uuid = ? AND key = ?", (value, run_id, key))


def _write_predictions(artifacts: Path, margins: np.ndarray) -> None:
    n = len(margins)
    labels = np.arange(n) % 2
    columns = {
        "path": [f"test/{i % 2}/{i:05d}.jpg" for i in range(n)],
        "object": [f"class {i // 2 % 10}" for i in range(n)],
        "label": pa.array(labels, pa.int8()),
        "score": pa.array(1 / (1 + np.exp(-(2 * labels - 1) * margins)), pa.float32()),
    }
    artifacts.mkdir(parents=True)
    pq.write_table(pa.table(columns), artifacts / "predictions.parquet")
