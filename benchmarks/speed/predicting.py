"""Predicting from a folder, against decoding alone and predicting alone; memory by number of images.

Models have random weights: their speed does not depend on them. Reading files and writing rows count, loading
TensorFlow does not.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import psutil

from benchmarks.measure import in_turn, show
from cifake.config import load
from cifake.data.find import find
from cifake.data.image_files import Folder
from cifake.predict.score_local import decoded, decoders, list_files, listed, score
from cifake.predict.shards import ShardedOutput

IMAGES = 20_000
SIZES = (10_000, 100_000)


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def throughput(variant: str, folder: Path, pool: Executor) -> None:
    from cifake.evaluation.scoring import predict
    from cifake.models import build_model  # not at the top, where the processes of the pool import it, too

    model = build_model(load(f"experiments/{variant}.yaml"))
    source, output = Folder(str(folder)), ShardedOutput(folder.parent / "results.csv")
    output.folder.mkdir(exist_ok=True)
    list_files(source, output.files)
    images = np.concatenate([chunk.pixels for chunk in decoded(listed(source, output.files, 0), pool)])
    predict(model, images[:500])

    def ours() -> None:
        list_files(source, output.files)
        for _ in score(source, output, lambda batch: predict(model, batch), 0.5, pool):
            pass
        output.join()
        for shard in output.shards():
            shard.unlink()

    def decoding() -> None:
        list_files(source, output.files)
        for _ in decoded(listed(source, output.files, 0), pool):
            pass

    ours()
    alone = {"decoding alone": decoding, "predicting alone": lambda: predict(model, images)}
    times = in_turn({name: lambda work=work: seconds(work) for name, work in {**alone, "ours": ours}.items()})
    rates = {name: [len(images) / value for value in values] for name, values in times.items()}
    pairs = list(zip(*(rates[name] for name in alone), strict=True))
    rates["the slower alone"] = [min(pair) for pair in pairs]
    rates["one after the other"] = [1 / (1 / d + 1 / p) for d, p in pairs]
    show(
        f"{variant}: {len(images):,} JPEG files from a folder",
        "images/s",
        rates,
        {("ours", "the slower alone"): "at least 0.85", ("ours", "one after the other"): "more than 1"},
    )


def peak_memory(model: Path, folder: Path, output: Path) -> tuple[float, float]:
    """Of a whole command, in MiB: the process with the model, and all of them together."""
    words = [f"model={model}", f"images={folder}", f"output={output}"]
    command = [sys.executable, "-m", "cifake.predict", *words]
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    main = everything = 0
    while process.poll() is None:
        try:
            own = process.memory_info().rss
            together = own + sum(child.memory_info().rss for child in process.children(recursive=True))
        except psutil.NoSuchProcess:
            continue
        main, everything = max(main, own), max(everything, together)
        time.sleep(0.02)
    assert process.returncode == 0
    return main / 2**20, everything / 2**20


def memory(folder: Path, scratch: Path) -> None:
    from cifake.models import build_model

    model = scratch / "base.keras"
    build_model(load("experiments/base.yaml")).save(model)
    rounds = {n: [] for n in SIZES}
    for round_ in range(3):
        for n in SIZES:
            part = scratch / f"{n}"
            if not part.is_dir():
                part.mkdir()
                for path in sorted(folder.iterdir())[:n]:
                    os.link(path, part / path.name)
            rounds[n].append(peak_memory(model, part, scratch / f"{n}-{round_}.csv"))
    for n, peaks in rounds.items():
        own, together = (statistics.median(values) for values in zip(*peaks, strict=True))
        print(f"{n:,} images, median of 3: {own:,.0f} MiB with the model, {together:,.0f} MiB in all")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.predicting")
    parser.add_argument("--variants", nargs="*", default=["base", "hyperband_best"])
    parser.add_argument("--memory", action="store_true", help="the memory, too")
    given = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="predicting"))
    try:
        folder = scratch / "all"
        folder.mkdir()
        for number, (_, data) in enumerate(find("cifake").files()):
            (folder / f"{number:06d}.jpg").write_bytes(data)
        part = scratch / "part"
        part.mkdir()
        for path in sorted(folder.iterdir())[:IMAGES]:
            os.link(path, part / path.name)
        with decoders() as pool:
            for variant in given.variants:
                throughput(variant, part, pool)
        if given.memory:
            memory(folder, scratch)
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
