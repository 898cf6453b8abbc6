"""Kill a suite or its workers at random moments; nothing may be lost: python -m benchmarks.chaos --kills 20.

Base and sgd at split=small with five seeds, ten runs, killed (SIGKILL) again and again and started again
where the suite itself was hit, against the same plan left alone: every run FINISHED exactly once, every
epoch logged once, all scores equal to the last digit. The plan has so many epochs that it outlasts the kills.
"""

import argparse
import random
import tempfile
import time
from pathlib import Path

from benchmarks.plans import check, start, workers
from cifake.data import load

VARIANTS, SEEDS, WORKERS = "base,sgd", 5, 2
RUNS = 2 * SEEDS
LONGEST_PAUSE = 20  # seconds between two kills: before, while and after TensorFlow is loaded


def torment(folder: Path, store: str, words: list[str], kills: int, chance: random.Random) -> dict[str, int]:
    """Kill until so many have been killed; then wait for the end."""
    counts = {"suite": 0, "worker": 0}
    suite = start(folder, store, VARIANTS, *words)
    while sum(counts.values()) < kills:
        while suite.poll() is None and not workers(suite):
            time.sleep(0.1)
        time.sleep(chance.uniform(0, LONGEST_PAUSE))
        if suite.poll() == 0:
            raise SystemExit(f"the plan ended after {counts}: give more --epochs")
        if suite.poll() is not None:  # a run whose worker was killed three times in a row has failed
            suite = start(folder, store, VARIANTS, *words)
            continue
        alive = workers(suite)
        name = chance.choice(["suite", "worker", "worker"]) if alive else "suite"
        counts[name] += 1
        print(f"kill {sum(counts.values())}: {name}", flush=True)
        if name == "worker":
            chance.choice(alive).kill()
            continue
        suite.kill()
        suite.wait()
        suite = start(folder, store, VARIANTS, *words)
    while suite.wait() != 0:
        suite = start(folder, store, VARIANTS, *words)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=150, help="of each run")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    data = load("auto", "small")  # decoded before anything is killed
    words = [f"seeds={SEEDS}", "split=small", f"epochs={given.epochs}", f"workers={WORKERS}"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loud, quiet = (f"sqlite:///{folder}/{kind}.db" for kind in ("loud", "quiet"))
        began = time.perf_counter()
        counts = torment(folder, loud, words, given.kills, random.Random(given.seed))
        between = time.perf_counter()
        code = start(folder, quiet, VARIANTS, *words).wait()
        ended = time.perf_counter()
        assert code == 0, (folder / "suite.log").read_text()[-3000:]
        check(loud, quiet, RUNS, given.epochs)
    print(f"killed {counts}: {RUNS} runs of {given.epochs} epochs on {data.name} FINISHED once, every epoch")
    print(f"logged once, all scores equal; {between - began:.0f} s, left alone {ended - between:.0f} s")


if __name__ == "__main__":
    main()
