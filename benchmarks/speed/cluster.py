"""The same plan on a Ray cluster of two nodes and by local workers: python -m benchmarks.speed.cluster.

Base and sgd at split=small, five seeds each, by turns in stores of their own. Both nodes are on this machine,
with one core each, and so has each of the two local workers. Every call loads TensorFlow anew.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time

import mlflow

from benchmarks.measure import in_turn, show
from cifake.data import load
from tests.support.ray_cluster import Cluster, cluster

RUNS = 10
WORDS = ("variants=base,sgd", "seeds=5", "split=small")


def suite(folder: str, name: str, environment: dict[str, str], *words: str) -> float:
    """Seconds of a whole command; its runs are counted."""
    store = f"sqlite:///{folder}/{name}-{time.monotonic_ns()}.db"
    mlflow.MlflowClient(store).create_experiment("cifake", f"{folder}/artifacts")
    command = [sys.executable, "-m", "cifake.suite", *WORDS, *words]
    start = time.perf_counter()
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, **environment, "MLFLOW_TRACKING_URI": store},
    )  # fmt: skip
    seconds = time.perf_counter() - start
    mlflow.set_tracking_uri(store)
    found = mlflow.search_runs(search_all_experiments=True, output_format="list")
    status = [run.info.status for run in found if "variant" in run.data.tags]
    assert status == ["FINISHED"] * RUNS, status
    return seconds


def compared(folder: str, nodes: Cluster, rounds: int) -> dict[str, list[float]]:
    contenders = {
        "local": lambda: suite(folder, "local", {}, "workers=2"),
        "ray": lambda: suite(folder, "ray", nodes.environment, "engine=ray"),
    }
    return in_turn(contenders, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.cluster")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    load("cifake", "small")  # decoded before anything is timed
    with tempfile.TemporaryDirectory() as folder, cluster(2) as nodes:
        values = compared(folder, nodes, given.rounds)
    title = f"{RUNS} runs of base and sgd at split=small, all FINISHED"
    show(title, "s", values, {("ray", "local"): "at most 1.2"})


if __name__ == "__main__":
    main()
