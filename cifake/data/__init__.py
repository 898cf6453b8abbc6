"""The data set in three parts, decoded once and memory-mapped."""

from dataclasses import dataclass

import numpy as np

from cifake.core.errors import DataError
from cifake.data.cache import Cached, find_cached, load_cached
from cifake.data.demo import Demo
from cifake.data.find import find, find_local
from cifake.data.split import count_labels, find_empty_part, part_rows

__all__ = ["Dataset", "Part", "find_test_part", "load"]
DIGITS = 16  # of a digest, in a data set's


@dataclass(frozen=True)
class Part:
    """Images of one part, in the same order in every run.

    Attributes:
        images: uint8 [n, 32, 32, 3], RGB, memory-mapped.
        labels: int8 [n], 1 is FAKE.
        objects: str [n], the object class.
        paths: str [n], ``test/FAKE/0001 (2).jpg``.
    """

    images: np.ndarray
    labels: np.ndarray
    objects: np.ndarray
    paths: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def first(self, count: int | None) -> "Part":
        """The first images, which are balanced over labels and object classes; None means all."""
        return Part(self.images[:count], self.labels[:count], self.objects[:count], self.paths[:count])


@dataclass(frozen=True)
class Dataset:
    """Training, validation and test parts; no image has a copy in another part.

    Attributes:
        name: ``cifake`` or ``demo``.
        split: ``full``, ``small`` or ``all``.
        digest: identifies pixels, labels and split.
    """

    name: str
    split: str
    digest: str
    train: Part
    validation: Part
    test: Part


def load(dataset: str = "auto", split: str = "full") -> Dataset:
    """Find, decode (once) and split the data set.

    Args:
        dataset: ``auto``, ``cifake`` or ``demo``, see ``find``.
        split: ``full``; ``small`` for the first 800/735/1,000 images of each part; ``all`` for 5,000
            validation images, with the others as training images.

    Raises:
        DataError: no data set, files that cannot be used, or too few images for the split.
    """
    source = find(dataset)
    cached = load_cached(source)
    parts = _parts(cached, split)
    if problem := find_empty_part({name: count_labels(part.labels) for name, part in parts.items()}):
        raise DataError(f"{source.location}: {problem}")
    return Dataset(name=source.name, split=split, digest=f"{cached.digest[:DIGITS]}-{split}", **parts)


def find_test_part(dataset: str, split: str, digest: str) -> Part | None:
    """The test images of a data set that is on this machine; nothing is downloaded.

    Args:
        dataset: ``cifake`` or ``demo``.
        split: ``full``, ``small`` or ``all``.
        digest: the data set's, see ``Dataset``.

    Returns:
        None where that data set is neither in the cache, nor what CIFAKE_DATA or data/cifake holds.

    Raises:
        DataError: CIFAKE_DATA names no folder or archive, or files that cannot be used.
    """
    start = digest[:DIGITS]
    cached = find_cached(start)
    source = None if cached else Demo() if dataset == "demo" else find_local()
    cached = load_cached(source) if source else cached
    return _parts(cached, split)["test"] if cached and cached.digest.startswith(start) else None


def _parts(cached: Cached, split: str) -> dict[str, Part]:
    parts = {}
    for name, rows in part_rows(cached.sizes, split).items():
        index = cached.index[rows]
        parts[name] = Part(cached.images[rows], index["label"], index["object"], index["path"])
    return parts
