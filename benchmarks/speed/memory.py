"""Memory of two workers on all images, against one: python -m benchmarks.speed.memory.

Base, two epochs; the peak of the proportional set size (PSS) of the workers and of the process that they are
forked from, looked at every half second. PSS counts a page that several processes map at each one's share, so
that a sum over processes is what the machine has to hold. Resident sets would count the mapped images once a
worker, unique sets not at all.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.measure import machine
from benchmarks.plans import start, workers
from cifake.data import load

MEGABYTE = 2**20
IMPORTS = "import tensorflow, mlflow, sys; print(flush=True); sys.stdin.read()"


def pss(processes: list[psutil.Process]) -> float:
    return sum(process.memory_full_info().pss for process in processes) / MEGABYTE


def peak(count: int, epochs: int) -> float:
    """Megabytes of all workers together, at most."""
    highest = 0.0
    with tempfile.TemporaryDirectory() as name:
        words = [f"seeds={count}", f"workers={count}", f"epochs={epochs}"]
        suite = start(Path(name), f"sqlite:///{name}/mlflow.db", "base", *words)
        while suite.poll() is None:
            try:
                found = workers(suite)
                forked_from = {worker.parent() for worker in found}
                highest = max(highest, pss([*found, *forked_from]))
            except psutil.NoSuchProcess:
                continue  # it ended meanwhile
            time.sleep(0.5)
        assert suite.wait() == 0, (Path(name) / "suite.log").read_text()[-3000:]
    return highest


def imported() -> float:
    """Megabytes of a process that has only imported TensorFlow and MLflow."""
    command = [sys.executable, "-c", IMPORTS]
    with psutil.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        process.stdout.readline()
        found = pss([process])
        process.stdin.close()
    return found


def main() -> None:
    data = load("auto", "full")
    images = sum(part.images.nbytes for part in (data.train, data.validation, data.test)) / MEGABYTE
    alone, one, two = imported(), peak(1, epochs=2), peak(2, epochs=2)
    print(f"{data.name}, {images:,.0f} MB of images; {machine()}; once each")
    for name, megabytes in (
        ("TensorFlow and MLflow imported", alone),
        ("one worker", one),
        ("two workers", two),
    ):
        print(f"| {name} | {megabytes:,.0f} MB |")
    print(
        f"two workers / (1.3 x one worker + TensorFlow): {two / (1.3 * one + alone):.2f} (wanted: at most 1)"
    )


if __name__ == "__main__":
    main()
