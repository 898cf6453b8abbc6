"""Decode a data set once; afterwards it is memory-mapped in milliseconds."""

import hashlib
import json
import logging
import re
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from cifake.contract import LABELS
from cifake.core.cache_directory import cache_directory
from cifake.core.files import exclusive, written_aside
from cifake.data.decode import Convert, Problem, decode_all, exact_pixels, read_pixels, refuse
from cifake.data.prepare import to_pixels
from cifake.data.sources import Source
from cifake.data.split import make_split

FORMAT = "3"  # part of every key: raise it when what is stored changes
OBJECTS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# From the contents of a file to its pixels, by the setting resize.
CONVERSIONS: dict[str, Convert] = {"prepare": partial(to_pixels, encode=True), "refuse": exact_pixels}
# CIFAKE's names: 0001.jpg is an airplane, 0001 (2).jpg an automobile, 0001 (10).jpg a truck.
_NUMBERED = re.compile(r"/\d+(?: \(([2-9]|10)\))?\.\w+$")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cached:
    """A decoded data set, ordered as train, validation and test blocks.

    Attributes:
        images: uint8 [n, 32, 32, 3], memory-mapped.
        index: records [n] of ``path``, ``label`` (1 is FAKE) and ``object``, which is empty where unknown.
        sizes: images in each block.
        digest: a hash of pixels, labels and block sizes.
        changes: how many images were changed, by the name of the change.
    """

    images: np.ndarray
    index: np.ndarray
    sizes: dict[str, int]
    digest: str
    changes: dict[str, int]


def load_cached(source: Source, resize: str = "prepare") -> Cached:
    """Memory-map the decoded source; decode it first if it is not in the cache.

    Args:
        source: the image files.
        resize: a key of CONVERSIONS.

    Raises:
        DataError: files that cannot be used, or a missing class folder; nothing is cached.
    """
    key = hashlib.sha256(f"{FORMAT} {resize} {source.fingerprint()}".encode()).hexdigest()[:20]
    folder = cache_directory() / key
    if not folder.is_dir():
        with exclusive(folder):
            if not folder.is_dir():  # another process may have finished it meanwhile
                _build(source, CONVERSIONS[resize], folder)
    return _open(folder)


def find_cached(digest: str) -> Cached | None:
    """A data set that was decoded before, by the beginning of its digest; None where there is none."""
    cached = (_open(meta.parent) for meta in cache_directory().glob("*/meta.json"))
    return next((each for each in cached if each.digest.startswith(digest)), None)


def _open(folder: Path) -> Cached:
    meta = json.loads((folder / "meta.json").read_text())
    images = np.load(folder / "images.npy", mmap_mode="r")
    index = np.load(folder / "index.npy", mmap_mode="r")
    return Cached(images, index, meta["sizes"], meta["digest"], meta.get("changes", {}))


def _build(source: Source, convert: Convert, folder: Path) -> None:
    logger.info("decoding %s, once", source.location)
    with written_aside(folder) as unfinished:
        unfinished.mkdir()
        raw = unfinished / "raw"
        files = decode_all(source, raw, convert)
        records, naming = read_names(files.names)
        refuse(source, files.problems + naming + missing_folders(files.names), len(files.names))
        meta = {**_write(read_pixels(raw), records, unfinished), "changes": files.changes}
        (unfinished / "meta.json").write_text(json.dumps(meta))
        raw.unlink()


def _write(pixels: np.ndarray, records: np.ndarray, folder: Path) -> dict[str, object]:
    """Write the images in blocks, and their index; the blocks' sizes and the digest."""
    by_path = np.argsort(records["path"])  # a data set has one order, whatever its source's
    records = records[by_path]
    parts = make_split(
        is_test=np.char.startswith(records["path"], "test/"),
        labels=records["label"],
        objects=records["object"],
        copies=find_copies(pixels)[by_path],
    )
    order = np.concatenate(list(parts.values()))
    images, index = pixels[by_path[order]], records[order]
    sizes = {name: len(positions) for name, positions in parts.items()}
    digest = hashlib.sha256(json.dumps(sizes).encode())
    digest.update(images.data)
    digest.update(np.ascontiguousarray(index["label"]).data)
    np.save(folder / "images.npy", images)
    np.save(folder / "index.npy", index)
    return {"sizes": sizes, "digest": digest.hexdigest()}


def read_names(names: list[str]) -> tuple[np.ndarray, list[Problem]]:
    """Read the label and object class of every file from its name.

    Object classes are known where all names are CIFAKE's, and not all of them airplanes'.

    Returns:
        Records [n] of ``path``, ``label`` and ``object``, and the names that cannot be used.
    """
    matches = [_NUMBERED.search(name) for name in names]
    numbered = all(matches) and any(match[1] for match in matches if match)
    objects = [OBJECTS[int(match[1] or 1) - 1] if match and numbered else "" for match in matches]
    rows = [(n, LABELS.index(n.split("/")[1]), kind) for n, kind in zip(names, objects, strict=True)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    width = max((len(name) for name in names), default=1)
    records = np.array(rows, dtype=[("path", f"U{width}"), ("label", "i1"), ("object", "U10")])
    return records, [(name, "found twice in this source") for name in twice]


def missing_folders(names: list[str]) -> list[Problem]:
    """A problem for each class folder without an image."""
    present = {name.rpartition("/")[0] for name in names}
    expected = [f"{part}/{label}" for part in ("train", "test") for label in LABELS]
    return [(folder, "a missing or empty class folder") for folder in expected if folder not in present]


def find_copies(pixels: np.ndarray) -> np.ndarray:
    """Number images by their pixels: int [n], equal for identical images only."""
    digests = [hashlib.blake2b(image.data, digest_size=16).digest() for image in pixels]
    numbers: np.ndarray = np.unique(np.array(digests, dtype="V16"), return_inverse=True)[1]
    return numbers
