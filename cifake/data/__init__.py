"""The data set in three parts, decoded once and mapped into memory."""

from dataclasses import dataclass

import numpy as np

from cifake.data.cache import LABELS, OBJECTS, Cached, load_cached
from cifake.data.find import find
from cifake.data.split import SMALL
from cifake.errors import DataError

__all__ = ["LABELS", "OBJECTS", "Dataset", "Part", "load"]


@dataclass(frozen=True)
class Part:
    """Images of one part, in an order that is the same in every run.

    Attributes:
        images: uint8 [n, 32, 32, 3], RGB, mapped from disk.
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


@dataclass(frozen=True)
class Dataset:
    """Train, validation and test parts; no image, and no copy of one, is in two of them."""

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
        split: ``full``, or ``small`` for the first 800/735/1,000 images of each part.

    Raises:
        DataError: no data set, files that cannot be used, or too few images for the split.
    """
    source = find(dataset)
    cached = load_cached(source)
    parts = {}
    start = 0
    for name, size in cached.sizes.items():
        wanted = SMALL[name] if split == "small" else size
        if wanted > size:
            raise DataError(
                f"{source.location}: split 'small' takes {wanted} {name} images, there are {size}; "
                "use split=full"
            )
        parts[name] = _part(cached, slice(start, start + wanted))
        start += size
    return Dataset(name=source.name, split=split, digest=f"{cached.digest[:16]}-{split}", **parts)


def _part(cached: Cached, rows: slice) -> Part:
    index = cached.index[rows]
    return Part(cached.images[rows], index["label"], index["object"], index["path"])
