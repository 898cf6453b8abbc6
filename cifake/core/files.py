"""Files and folders that are whole or not there, and locks between processes."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import filelock

from cifake.core.errors import RunError


@contextlib.contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A place to write a file or a folder, which takes its final name when the block ends.

    A block that raises, and a process that is killed, leave the old file or none. The caller is the only
    writer of this path, or holds its lock.

    Yields:
        A path beside it, at which nothing exists yet.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    remove(unfinished)  # of a process that was killed
    try:
        yield unfinished
        if unfinished.is_file():
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())  # a rename may reach the disk before what was written
        unfinished.replace(path)
    finally:
        remove(unfinished)


@contextlib.contextmanager
def exclusive(path: Path, timeout: float = -1) -> Iterator[None]:
    """Hold the lock of a path. A process that holds it already may enter again.

    The lock is a file beside the path, and stays: a lock that is removed locks nobody out. -1 seconds wait
    without limit.

    Raises:
        TimeoutError: another process still holds it.
    """
    lock = filelock.FileLock(path.with_name(f"{path.name}.lock"), is_singleton=True)
    with lock.acquire(timeout):
        yield


def make_folder(path: Path) -> None:
    """Make the folder of a command's results, where it is missing.

    Raises:
        RunError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{path} cannot be used ({error.strerror})") from None


def remove(path: Path) -> None:
    """Remove a file, or a folder with all it holds, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
