"""Kill a suite or its workers at random moments; nothing may be lost: python -m benchmarks.chaos --kills 20.

With --engine ray the plan runs on a cluster of two nodes on this machine, and the second node is killed, too.

A plan of ten runs on the demo set, killed (SIGKILL) again and again and started again where the suite itself
was hit, against the same plan left alone: every run FINISHED exactly once, every epoch logged once, all
scores equal.
"""

import argparse
import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import mlflow
import psutil

from benchmarks.nodes import Cluster, cluster

WORDS = ("variants=base,sgd", "seeds=5", "dataset=demo", "split=small", "model.filters=[4]",
         "steps_per_epoch=4", "validation_steps=2")  # fmt: skip
PLACES = {"local": "workers=2", "ray": "engine=ray"}
SCORES = ("test/loss", "test/accuracy", "test/f1", "test/roc_auc", "best_epoch", "train/loss", "val/loss")


def start(store: Path, epochs: int, nodes: Cluster | None = None) -> psutil.Popen:
    given = nodes.environment if nodes else {}
    environment = {**os.environ, **given, "MLFLOW_TRACKING_URI": f"sqlite:///{store}"}
    place = PLACES["ray" if nodes else "local"]
    command = [sys.executable, "-m", "cifake.suite", *WORDS, place, f"epochs={epochs}"]
    return psutil.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def workers(suite: psutil.Popen, nodes: Cluster | None = None) -> list[psutil.Process]:
    try:
        if nodes and suite.is_running():
            children = [child for node in nodes.nodes if node.is_running() for child in node.children(True)]
            return [child for child in children if child.cmdline()[:1] == ["ray::train"]]
        return [child for child in suite.children() if "multiprocessing.spawn" in " ".join(child.cmdline())]
    except psutil.NoSuchProcess:
        return []


def torment(
    store: Path, epochs: int, kills: int, chance: random.Random, nodes: Cluster | None
) -> dict[str, int]:
    """Kill until so many have been killed; then wait for the end."""
    counts = {"suite": 0, "worker": 0, **({"node": 0} if nodes else {})}
    suite = start(store, epochs, nodes)
    while sum(counts.values()) < kills:
        while suite.poll() is None and not workers(suite, nodes):
            time.sleep(0.1)
        time.sleep(chance.uniform(0, 20))  # before, while and after TensorFlow is loaded
        if suite.poll() is not None:
            raise SystemExit(f"the plan ended after {counts}: give more --epochs")
        alive = workers(suite, nodes)
        name = chance.choice([*counts, "worker"]) if alive else "suite"
        counts[name] += 1
        print(f"kill {sum(counts.values())}: {name}", flush=True)
        if name == "worker":
            chance.choice(alive).kill()
        elif nodes and name == "node":
            nodes.lose_node(nodes.nodes.pop())  # not the head, which is the first
            nodes.add_node()
        else:
            suite.kill()
            suite.wait()
            suite = start(store, epochs, nodes)
    while suite.wait() != 0:  # a worker that was killed three times in a row fails its run
        suite = start(store, epochs, nodes)
    return counts


def results(store: Path) -> tuple[list[str], dict[tuple[str, str], object]]:
    """The status of every run, and by variant and seed its epochs and scores."""
    mlflow.set_tracking_uri(f"sqlite:///{store}")
    client = mlflow.MlflowClient()
    found = mlflow.search_runs(search_all_experiments=True, output_format="list")
    runs = [run for run in found if "variant" in run.data.tags]
    values = {}
    for run in runs:
        curve = [(p.step, p.value) for p in client.get_metric_history(run.info.run_id, "val/loss")]
        scores = [run.data.metrics[key] for key in SCORES]
        values[run.data.tags["variant"], run.data.params["seed"]] = (curve, scores)
    return [run.info.status for run in runs], values


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument(
        "--epochs", type=int, default=200, help="of each run: the plan must outlast the kills"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=PLACES, default="local")
    given = parser.parse_args()
    nodes = cluster(2) if given.engine == "ray" else contextlib.nullcontext()
    with tempfile.TemporaryDirectory() as folder, nodes as ray:
        quiet, loud = Path(folder) / "quiet.db", Path(folder) / "loud.db"
        counts = torment(loud, given.epochs, given.kills, random.Random(given.seed), ray)
        assert start(quiet, given.epochs).wait() == 0
        expected, received = results(quiet), results(loud)
    assert received[0] == ["FINISHED"] * 10, received[0]
    assert received[1] == expected[1]
    for curve, _ in received[1].values():
        assert [step for step, _ in curve] == list(range(given.epochs))
    print(f"{counts}: 10 runs FINISHED once, each of {given.epochs} epochs logged once, all scores equal")


if __name__ == "__main__":
    main()
