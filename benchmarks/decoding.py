"""Decoding every image of CIFAKE, against a bare loop through the same library on all cores."""

import io
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
from PIL import Image

from benchmarks.measure import in_turn, show
from cifake.data.decode import decode_all
from cifake.data.find import find

FILES: list[tuple[str, bytes]] = []  # global, so that forked processes share it without copying


class InMemory:
    """A source whose bytes are read already."""

    name = location = "memory"

    def fingerprint(self) -> str:
        return ""

    def files(self) -> Iterator[tuple[str, bytes]]:
        yield from FILES


def ours() -> float:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        decode_all(InMemory(), Path(folder) / "raw")
        return time.perf_counter() - start


def bare_loop(first: int) -> None:
    for _, data in FILES[first :: joblib.cpu_count()]:
        np.asarray(Image.open(io.BytesIO(data)))


def bare() -> float:
    """Every core loops over its share; nothing is kept, checked or passed on."""
    context = multiprocessing.get_context("fork")
    start = time.perf_counter()
    processes = [context.Process(target=bare_loop, args=(first,)) for first in range(joblib.cpu_count())]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return time.perf_counter() - start


def main() -> None:
    FILES.extend(find("cifake").files())
    seconds = in_turn({"bare loop": bare, "decode_all": ours})
    rates = {name: [len(FILES) / value for value in values] for name, values in seconds.items()}
    show(
        f"decoding {len(FILES):,} JPEG files from memory",
        "images/s",
        rates,
        {("decode_all", "bare loop"): "at least 0.8"},
    )


if __name__ == "__main__":
    main()
