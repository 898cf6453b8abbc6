"""Kill a suite or its workers at random moments; nothing may be lost.

python -m benchmarks.reliability.chaos --kills 20

With --engine ray the plan runs on a cluster of two nodes on this machine, and the second node is killed, too.

Base and sgd at split=small with five seeds, ten runs, killed (SIGKILL) again and again and started again
where the suite itself was hit, against the same plan left alone: every run FINISHED exactly once, every
epoch logged once, all scores equal to the last digit. The plan has so many epochs that it outlasts the kills.
"""

import argparse
import contextlib
import functools
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.plans import check, start, workers
from cifake.data import load
from tests.support.ray_cluster import Cluster, cluster

VARIANTS, SEEDS = "base,sgd", 5
ENGINES = {"local": ["workers=2"], "ray": ["engine=ray"]}
RUNS = 2 * SEEDS
LONGEST_PAUSE = 20  # seconds between two kills: before, while and after TensorFlow is loaded


def working(suite: psutil.Popen, nodes: Cluster | None) -> list[psutil.Process]:
    """The processes that train; those of Ray are children of its nodes."""
    if not nodes:
        return workers(suite)
    with contextlib.suppress(psutil.NoSuchProcess):
        children = [child for node in nodes.nodes for child in node.children(True)]
        return [child for child in children if child.cmdline()[:1] == ["ray::train"]]
    return []


def torment(
    begin: Callable[[], psutil.Popen], kills: int, chance: random.Random, nodes: Cluster | None
) -> dict[str, int]:
    """Kill until so many have been killed; then wait for the end."""
    counts = {"suite": 0, "worker": 0, **({"node": 0} if nodes else {})}
    suite = begin()
    while sum(counts.values()) < kills:
        while suite.poll() is None and not working(suite, nodes):
            time.sleep(0.1)
        time.sleep(chance.uniform(0, LONGEST_PAUSE))
        if suite.poll() == 0:
            raise SystemExit(f"the plan ended after {counts}: give more --epochs")
        if suite.poll() is not None:  # a run whose worker was killed three times in a row has failed
            suite = begin()
            continue
        alive = working(suite, nodes)
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
            suite = begin()
    while suite.wait() != 0:
        suite = begin()
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability.chaos")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=150, help="of each run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=ENGINES, default="local")
    given = parser.parse_args()
    data = load("auto", "small")  # decoded before anything is killed
    arguments = [f"seeds={SEEDS}", "split=small", f"epochs={given.epochs}", *ENGINES[given.engine]]
    nodes = cluster(2) if given.engine == "ray" else contextlib.nullcontext()
    with tempfile.TemporaryDirectory() as name, nodes as ray:
        folder = Path(name)
        loud, quiet = (f"sqlite:///{folder}/{kind}.db" for kind in ("loud", "quiet"))
        environment = ray.environment if ray else None
        begin = functools.partial(start, folder, loud, VARIANTS, *arguments, environment=environment)
        began = time.perf_counter()
        counts = torment(begin, given.kills, random.Random(given.seed), ray)
        between = time.perf_counter()
        code = start(folder, quiet, VARIANTS, *arguments, environment=environment).wait()
        ended = time.perf_counter()
        assert code == 0, (folder / "suite.log").read_text()[-3000:]
        check(loud, quiet, RUNS, given.epochs)
    print(f"killed {counts}: {RUNS} runs of {given.epochs} epochs on {data.name} FINISHED once, every epoch")
    print(f"logged once, all scores equal; {between - began:.0f} s, left alone {ended - between:.0f} s")


if __name__ == "__main__":
    main()
