"""Decoding every image of CIFAKE, against bare loops through Pillow and through simplejpeg on all cores."""

import io
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import simplejpeg
from PIL import Image

from benchmarks.measure import in_turn, show
from cifake.data.decode import decode_all, exact_pixels
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
        decode_all(InMemory(), Path(folder) / "raw", exact_pixels)
        return time.perf_counter() - start


def pillow(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def bare_loop(decode: Callable[[bytes], Any], first: int) -> None:
    for _, data in FILES[first :: joblib.cpu_count()]:
        decode(data)


def bare(decode: Callable[[bytes], Any]) -> float:
    """Every core loops over its share; nothing is kept, checked or passed on."""
    context = multiprocessing.get_context("fork")
    start = time.perf_counter()
    shares = [(decode, first) for first in range(joblib.cpu_count())]
    processes = [context.Process(target=bare_loop, args=share) for share in shares]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return time.perf_counter() - start


def main() -> None:
    FILES.extend(find("cifake").files())
    loops = {"Pillow": pillow, "simplejpeg": lambda data: simplejpeg.decode_jpeg(data, "RGB")}
    contenders = {name: lambda decode=decode: bare(decode) for name, decode in loops.items()}
    seconds = in_turn({**contenders, "decode_all": ours})
    rates = {name: [len(FILES) / value for value in values] for name, values in seconds.items()}
    show(
        f"decoding {len(FILES):,} JPEG files from memory",
        "images/s",
        rates,
        {
            ("decode_all", "Pillow"): "at least 0.8",
            ("decode_all", "simplejpeg"): "no goal: passing on and writing count",
        },
    )


if __name__ == "__main__":
    main()
