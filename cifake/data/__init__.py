"""The data set in three parts, decoded once and memory-mapped."""

import logging
from dataclasses import dataclass

import numpy as np

from cifake.contract import CIFAKE, DEMO
from cifake.core.errors import DataError
from cifake.data.cache import Cached, find_cached, load_cached
from cifake.data.demo import Demo
from cifake.data.find import choose_dataset, find, find_local
from cifake.data.naming import name_data
from cifake.data.split import count_labels, find_empty_part, part_rows

__all__ = ["Dataset", "Part", "load", "load_test_part"]
DIGITS = 16  # of a digest, in a data set's
logger = logging.getLogger(__name__)


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
        name: ``cifake``, ``demo``, or that of another data set.
        split: ``full``, ``small`` or ``all``.
        digest: identifies pixels, labels and split.
        location: of its files.
    """

    name: str
    split: str
    digest: str
    train: Part
    validation: Part
    test: Part
    location: str = ""


def load(
    dataset: str = "auto", split: str = "full", dataset_name: str | None = None, resize: str = "prepare"
) -> Dataset:
    """Find, decode (once), name and split the data set.

    Args:
        dataset: see ``find``.
        split: ``full``; ``small`` for the first 800/735/1,000 images of each part; ``all`` for 5,000
            validation images, with the others as training images.
        dataset_name: of one that is neither CIFAKE nor demo; by default that of its folder or archive.
        resize: see ``load_cached``.

    Raises:
        DataError: no data set, files that cannot be used, another data set than was asked for, or too few
            images for the split.
    """
    source = find(choose_dataset(dataset, dataset_name))
    cached = load_cached(source, resize)
    name = name_data(source, cached.digest, dataset, dataset_name)
    parts = _parts(cached, split)
    if problem := find_empty_part({name: count_labels(part.labels) for name, part in parts.items()}):
        raise DataError(f"{source.location}: {problem}")
    if name not in (CIFAKE, DEMO):
        changes = "".join(f", {count:,} {change}" for change, count in cached.changes.items())
        logger.info(
            "%s is not CIFAKE; it is called %s (dataset_name): %s images%s", source.location, name,
            f"{len(cached.images):,}", changes,
        )  # fmt: skip
    digest = f"{cached.digest[:DIGITS]}-{split}"
    return Dataset(name=name, split=split, digest=digest, location=source.location, **parts)


def load_test_part(
    dataset: str, split: str, digest: str, resize: str = "prepare", download: bool = True
) -> Part:
    """The test images of a run: those that were decoded before, or else those of the data set found here.

    Args:
        dataset: the name of the data set.
        split: ``full``, ``small`` or ``all``.
        digest: the data set's, see ``Dataset``.
        resize: see ``load_cached``.
        download: whether CIFAKE may be downloaded.

    Raises:
        DataError: there is none, another one, or files that cannot be used.
    """
    start, found = digest[:DIGITS], "none"
    cached = find_cached(start)
    if not cached:
        source = Demo() if dataset == DEMO else find_local()
        if not source and download and dataset == CIFAKE:
            source = find(CIFAKE)
        if source:
            cached = load_cached(source, resize)
            found = f"{cached.digest[:DIGITS]}-{split} in {source.location}"
    if not (cached and cached.digest.startswith(start)):
        raise DataError(
            f"expected the data that was tested on, {dataset} {digest}, found {found}; set CIFAKE_DATA to it"
        )
    return _parts(cached, split)["test"]


def _parts(cached: Cached, split: str) -> dict[str, Part]:
    parts = {}
    for name, rows in part_rows(cached.sizes, split).items():
        index = cached.index[rows]
        parts[name] = Part(cached.images[rows], index["label"], index["object"], index["path"])
    return parts
