"""Score on this machine: worker processes decode while the model runs in this one; rows go to shards."""

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
from cifake.data.archives import Tar
from cifake.data.image_files import ImageFiles, Listed, file_state
from cifake.data.image_names import IMAGE_SUFFIXES
from cifake.predict.shards import ShardedOutput, make_rows
from cifake.predict.tasks import Decoded, Task, decode

BATCH = 500  # images a task and a step of the model, as many as in evaluation
SHARD = 16 * BATCH
CONTENTS = 16 * 2**20  # bytes of file contents handed to a process at once; a single file may be larger
LIST = pa.schema({"name": pa.binary()})


def list_files(source: ImageFiles, target: Path) -> tuple[str, int | None]:
    """Write the names of all images to a file, one row group a shard; those of a tar are not known yet.

    Returns:
        A digest of names, sizes and times, and the number of images; of a tar, of its own, and None.

    Raises:
        DataError: there are no images.
    """
    if isinstance(source, Tar):
        return hashlib.sha256(file_state(source.location).encode()).hexdigest(), None
    digest = hashlib.sha256()
    count = 0
    with pq.ParquetWriter(target, LIST) as writer:
        entries = source.entries()
        while block := list(itertools.islice(entries, SHARD)):
            rows = [name.encode("utf-8", "surrogateescape") for name, _ in block]
            digest.update(repr(block).encode("utf-8", "surrogateescape"))
            writer.write_table(pa.table({"name": rows}, LIST))
            count += len(block)
    if not count:
        raise _no_images(source)
    return digest.hexdigest(), count


def _no_images(source: ImageFiles) -> DataError:
    return DataError(f"{source.location}: no image files, whose names end in {', '.join(IMAGE_SUFFIXES)}")


def read_list(target: Path, shard: int) -> list[str]:
    """The names of a shard."""
    rows = pq.ParquetFile(target).read_row_group(shard)["name"].to_pylist()
    return [name.decode("utf-8", "surrogateescape") for name in rows]


def score(
    source: ImageFiles, output: ShardedOutput, predict: Callable[[np.ndarray], np.ndarray],
    threshold: float, pool: Executor, encode: bool = True,
) -> Iterator[int]:  # fmt: skip
    """Write the missing shards.

    Args:
        source: the images; ``output.files`` lists them, unless it is a tar.
        output: receives the shards.
        predict: from uint8 [n, 32, 32, 3] to float32 [n], the probability of FAKE.
        threshold: FAKE from there up.
        pool: of ``decoders``.
        encode: see ``prepare``.

    Yields:
        The number of images in each step.

    Raises:
        DataError: a process died, or the archive is damaged or empty; the shards stay.
    """
    number, done = len(output.shards()), output.rows()
    tasks = (
        _streamed(source, done, encode)
        if isinstance(source, Tar)
        else listed(source, output.files, number, encode)
    )
    waiting: list[pa.Table] = []
    for images in decoded(tasks, pool):
        waiting.append(make_rows(images, predict(images.pixels), threshold))
        yield len(images.names)
        if sum(map(len, waiting)) >= SHARD:
            output.write(number, waiting)
            number += 1
            waiting = []
    if waiting:
        output.write(number, waiting)
    elif not number:
        raise _no_images(source)


@contextlib.contextmanager
def decoders() -> Iterator[Executor]:
    """A pool of processes, one a core, that starts at once, while TensorFlow is imported.

    Threads would hold the interpreter lock that the model needs. Processes are spawned, since TensorFlow's
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
            "a process that decodes images has died, perhaps for lack of memory; the same command resumes"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _begin_decoder() -> None:
    begin_worker()
    os.nice(10)  # the model comes first: one of its threads without a core holds up all others


def decoded(tasks: Iterable[Task], pool: Executor) -> Iterator[Decoded]:
    """Decode tasks in a pool, a bounded number of them ahead of the reader."""
    return in_order(pool, decode, tasks, ahead=4 * joblib.cpu_count())


def listed(source: Listed, files: Path, first: int, encode: bool = True) -> Iterator[Task]:
    """Tasks for the images listed in a file, from a shard on."""
    for shard in range(first, pq.ParquetFile(files).num_row_groups):
        names = read_list(files, shard)
        for start in range(0, len(names), BATCH):
            yield Task(names[start : start + BATCH], source, encode=encode)


def _streamed(source: Tar, done: int, encode: bool = True) -> Iterator[Task]:
    names: list[str] = []
    contents: list[bytes] = []
    size = 0
    for name, data in itertools.islice(source.files(), done, None):
        if len(names) == BATCH or (names and size + len(data) > CONTENTS):
            yield Task(names, None, contents, encode)
            names, contents, size = [], [], 0
        names.append(name)
        contents.append(data)
        size += len(data)
    if names:
        yield Task(names, None, contents, encode)
