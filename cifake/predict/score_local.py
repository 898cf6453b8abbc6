"""Decode in processes while the model is busy in this one; rows go to shards."""

import contextlib
import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

import joblib
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cifake.core.errors import DataError
from cifake.core.processes import begin_worker, in_order
from cifake.predict.prepare import Decoded, Task, decode
from cifake.predict.shards import Parts, make_rows, replace
from cifake.predict.sources import Listed, Source, Tar, no_images

BATCH = 500  # images a task and a step of the model, as many as in evaluation
SHARD = 16 * BATCH
CONTENTS = 16 * 2**20  # bytes of files that are handed to a process, at most, beyond the first
LIST = pa.schema({"name": pa.binary()})
Predict = Callable[[np.ndarray], np.ndarray]


def list_files(source: Listed, target: Path) -> tuple[str, int]:
    """Write the names of all images to a file, a row group a shard.

    Returns:
        A digest of names, sizes and times, and the number of images.

    Raises:
        DataError: there is none.
    """
    digest = hashlib.sha256()
    count = 0
    with pq.ParquetWriter(target, LIST) as writer:
        names = source.names()
        while block := list(itertools.islice(names, SHARD)):
            rows = [name.encode("utf-8", "surrogateescape") for name, _ in block]
            digest.update(repr(block).encode("utf-8", "surrogateescape"))
            writer.write_table(pa.table({"name": rows}, LIST))
            count += len(block)
    if not count:
        raise no_images(source)
    return digest.hexdigest(), count


def read_list(target: Path, shard: int) -> list[str]:
    """The names of a shard."""
    rows = pq.ParquetFile(target).read_row_group(shard)["name"].to_pylist()
    return [name.decode("utf-8", "surrogateescape") for name in rows]


def score(source: Source, parts: Parts, predict: Predict, threshold: float, pool: Executor) -> Iterator[int]:
    """Write the shards that are missing.

    Args:
        source: the images; listed ones stand in ``parts.files``.
        parts: receives the shards.
        predict: from uint8 [n, 32, 32, 3] to float32 [n], the probability of FAKE.
        threshold: FAKE from there up.
        pool: of ``decoders``.

    Yields:
        How many images were done in each step.

    Raises:
        DataError: a process died, or the archive is damaged; the shards stay.
    """
    number, done = len(parts.shards()), parts.rows()
    tasks = _streamed(source, done) if isinstance(source, Tar) else listed(source, parts.files, number)
    waiting: list[pa.Table] = []
    for images in decoded(tasks, pool):
        waiting.append(make_rows(images, predict(images.pixels), threshold))
        yield len(images.names)
        if sum(map(len, waiting)) >= SHARD:
            write_shard(waiting, parts.shard(number))
            number += 1
            waiting = []
    if waiting:
        write_shard(waiting, parts.shard(number))


@contextlib.contextmanager
def decoders() -> Iterator[Executor]:
    """A pool of processes, one a core, that starts at once: beside the loading of TensorFlow.

    Processes, since threads would hold the interpreter lock that the model needs; spawned, since TensorFlow's
    threads do not survive a fork.
    """
    cores = joblib.cpu_count()
    pool = ProcessPoolExecutor(cores, get_context("spawn"), _begin_decoder)
    try:
        for _ in range(cores):
            pool.submit(decode, Task([], None))
        yield pool
    except BrokenProcessPool:
        raise DataError(
            "a process that decodes images has died, perhaps for lack of memory; the same command goes on"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_decoder() -> None:
    begin_worker()
    os.nice(10)  # the model comes first: a thread of it that waits for a core holds up all others


def decoded(tasks: Iterable[Task], pool: Executor) -> Iterator[Decoded]:
    """Decode in a pool, a bounded number of tasks ahead of the reader."""
    return in_order(pool, decode, tasks, ahead=4 * joblib.cpu_count())


def listed(source: Listed, files: Path, first: int) -> Iterator[Task]:
    """Tasks for the images of a list, from a shard on."""
    for shard in range(first, pq.ParquetFile(files).num_row_groups):
        names = read_list(files, shard)
        for start in range(0, len(names), BATCH):
            yield Task(names[start : start + BATCH], source)


def _streamed(source: Tar, done: int) -> Iterator[Task]:
    names: list[str] = []
    contents: list[bytes] = []
    size = 0
    for name, data in itertools.islice(source.files(), done, None):
        if len(names) == BATCH or (names and size + len(data) > CONTENTS):
            yield Task(names, None, contents)
            names, contents, size = [], [], 0
        names.append(name)
        contents.append(data)
        size += len(data)
    if names:
        yield Task(names, None, contents)


def write_shard(tables: list[pa.Table], path: Path) -> None:
    """Write a shard, whole or not at all."""
    replace(path, lambda file: pq.write_table(pa.concat_tables(tables), file))
