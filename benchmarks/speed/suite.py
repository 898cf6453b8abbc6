"""Ten runs as one suite, against ten `mlflow run` calls: python -m benchmarks.speed.suite.

Base at split=small, seeds 0 to 9, by turns in stores of their own. Overhead is what a warm worker spends on
a run beyond fit: from the end of its last run to the end of this one, less fit.
"""

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict

from benchmarks.measure import show
from cifake.data import load

RUNS = 10
EXPERIMENT = "benchmark"


def make_store(folder: str, name: str) -> str:
    """A store whose artifacts lie beside it."""
    import mlflow

    store = f"sqlite:///{folder}/{name}.db"
    mlflow.MlflowClient(store).create_experiment(EXPERIMENT, artifact_location=f"{folder}/{name}")
    return store


def call(store: str, *words: str) -> None:
    environment = {**os.environ, "MLFLOW_TRACKING_URI": store, "MLFLOW_EXPERIMENT_NAME": EXPERIMENT}
    command = [sys.executable, "-m", "mlflow", "run", ".", "--env-manager", "local", *words]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def one_by_one(store: str) -> float:
    start = time.perf_counter()
    for seed in range(RUNS):
        call(store, "-e", "base", "-P", "split=small", "-P", f"seed={seed}")
    return time.perf_counter() - start


def suite(store: str) -> float:
    start = time.perf_counter()
    call(store, "-e", "suite", "-P", "variants=base", "-P", f"seeds={RUNS}", "-P", "split=small")
    return time.perf_counter() - start


def overheads(store: str) -> list[float]:
    """Seconds beyond fit of every run but each worker's first."""
    import mlflow

    mlflow.set_tracking_uri(store)
    runs = mlflow.search_runs(search_all_experiments=True, output_format="list", order_by=["end_time"])
    ends: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for run in runs:
        if "variant" in run.data.tags:
            fit = run.data.metrics["cost/train_seconds"]
            ends[run.data.tags["owner_pid"]].append((run.info.end_time / 1000, fit))
    return [
        end - before - fit
        for of_worker in ends.values()
        for (before, _), (end, fit) in itertools.pairwise(of_worker)
    ]


def main() -> None:
    load("cifake", "small")  # decoded before anything is timed
    with tempfile.TemporaryDirectory() as folder:
        stores = {name: make_store(folder, name) for name in ("suite", "one by one")}
        values = {"suite": [suite(stores["suite"])], "one by one": [one_by_one(stores["one by one"])]}
        beyond = overheads(stores["suite"])
    show(f"{RUNS} runs of base at split=small", "s", values, {("one by one", "suite"): "at least 4"})
    print(f"overhead of a warm worker: median {statistics.median(beyond):.2f} s, largest {max(beyond):.2f} s "
          f"of {len(beyond)} runs (wanted: at most 2 s)")  # fmt: skip


if __name__ == "__main__":
    main()
