"""Names of image files in their order, any number of them."""

import os
from collections.abc import Iterator

from cifake.core.errors import DataError
from cifake.data.sources import is_image_name

LIST_BLOCK = 10_000  # names that are Python objects at the same time


def walk(root: str, inside: str = "", above: tuple[str, ...] = ()) -> Iterator[str]:
    """Image files at any depth, as paths from ``root``: those of a folder by name, then its folders.

    Args:
        root: where to begin.
        inside: a folder of it.
        above: real paths of the folders that lead there.

    Raises:
        DataError: a folder that cannot be read.
    """
    path = os.path.join(root, inside)
    real = os.path.realpath(path)
    if real in above:  # a link that leads back up
        return
    folders = []

    def files(entries: Iterator[os.DirEntry[str]]) -> Iterator[str]:
        for entry in entries:
            if entry.is_dir():
                folders.append(entry.name)
            elif is_image_name(entry.name) and (entry.is_file() or entry.is_symlink()):
                yield entry.name

    try:
        with os.scandir(path) as entries:
            names = sort(files(entries))
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror})") from None
    for name in names:
        yield os.path.join(inside, name)
    for folder in sorted(folders):
        yield from walk(root, os.path.join(inside, folder), (*above, real))


def sort(names: Iterator[str]) -> Iterator[str]:
    """Names by their bytes, held in Arrow's memory: a list of ten million str would take a gigabyte."""
    import pyarrow as pa  # not at the top: the processes that decode do without
    import pyarrow.compute as pc

    blocks, block = [], []
    for name in names:
        block.append(os.fsencode(name))
        if len(block) == LIST_BLOCK:
            blocks.append(pa.array(block, pa.binary()))
            block = []
    held = pa.chunked_array([*blocks, pa.array(block, pa.binary())])
    order = pc.sort_indices(held)

    def read() -> Iterator[str]:
        for start in range(0, len(held), LIST_BLOCK):
            for name in held.take(order.slice(start, LIST_BLOCK)).to_pylist():
                yield os.fsdecode(name)

    return read()


def file_state(path: str) -> str:
    """Size and time of a file."""
    try:
        status = os.stat(path)
    except OSError:  # a link that leads nowhere; reading it will say so
        return "unreadable"
    return f"{status.st_size}/{status.st_mtime_ns}"
