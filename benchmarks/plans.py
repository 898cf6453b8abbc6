"""Start a suite as users do, in a folder of its own, and compare what two stores hold afterwards."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import mlflow
import psutil

REPOSITORY = Path(__file__).parent.parent
SCORES = ("test/loss", "test/accuracy", "test/f1", "test/roc_auc", "best_epoch", "cost/parameters")
Results = dict[tuple[str, str], tuple[dict[str, list[tuple[int, float]]], list[float]]]


def start(
    folder: Path, store: str, variants: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> psutil.Popen:
    """A suite in a process of its own; what it prints is added to ``suite.log`` in its folder."""
    stated = {"MLFLOW_TRACKING_URI": store, "PYTHONPATH": str(REPOSITORY), **(environment or {})}
    files = ",".join(str(REPOSITORY / "experiments" / f"{name}.yaml") for name in variants.split(","))
    with (folder / "suite.log").open("a") as log:
        return psutil.Popen(
            [sys.executable, "-m", "cifake.suite", f"variants={files}", *arguments],
            cwd=folder, stdout=log, stderr=subprocess.STDOUT,
            env={**os.environ, **stated},
        )  # fmt: skip


def workers(suite: psutil.Popen) -> list[psutil.Process]:
    """The worker processes of a suite, children of the one that they are forked from."""
    try:
        servers = [
            child for child in suite.children() if "multiprocessing.forkserver" in str(child.cmdline())
        ]
        return [worker for server in servers for worker in server.children()]
    except psutil.NoSuchProcess:
        return []


def epochs_logged(store: str) -> int:
    """Epochs that the runs of a store hold, all together."""
    return sum(len(curves["train/loss"]) for curves, _ in results(store)[1].values())


def results(store: str) -> tuple[list[str], Results]:
    """The status of every run, and by variant and seed its epochs and its scores; without times."""
    client = mlflow.MlflowClient(store)
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = [run for run in client.search_runs(experiments) if "variant" in run.data.tags]
    values = {}
    for run in runs:
        curves = {
            key: [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, key)]
            for key in ("train/loss", "val/loss", "val/accuracy", "learning_rate")
        }
        scores = [run.data.metrics.get(key, float("nan")) for key in SCORES]
        values[run.data.tags["variant"], run.data.params.get("seed", "")] = (curves, scores)
    return [run.info.status for run in runs], values


def check(store: str, undisturbed: str, runs: int, epochs: int) -> None:
    """Every run FINISHED exactly once, every epoch logged once and in order, all scores equal.

    Raises:
        AssertionError: something is not so.
    """
    (status, received), (_, expected) = results(store), results(undisturbed)
    assert status == ["FINISHED"] * runs, status
    assert len(received) == runs, sorted(received)
    for name, (curves, _) in received.items():
        for key, points in curves.items():
            assert [step for step, _ in points] == list(range(epochs)), (name, key, points)
    different = [name for name in expected if received.get(name) != expected[name]]
    assert not different, {name: (received.get(name), expected[name]) for name in different}
