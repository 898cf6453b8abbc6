"""Images with labels that are not CIFAKE: decoded once, then memory-mapped."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from cifake.contract import LABELS
from cifake.core.cache_directory import cache_directory
from cifake.core.errors import DataError
from cifake.core.files import exclusive, written_aside
from cifake.data import Part
from cifake.data.archives import ARCHIVE_SUFFIXES
from cifake.data.decode import decode_all, read_pixels, refuse
from cifake.data.image_files import file_state, open_files
from cifake.data.prepare import to_pixels
from cifake.data.sources import ClassFolders, Source, label_of, labelled_name

FORMAT = "1"  # part of every key: raise it when what is stored changes
BLOCK = 10_000  # images in memory
LIST_LABELS = {"real": "REAL", "0": "REAL", "fake": "FAKE", "1": "FAKE"}


@dataclass(frozen=True)
class ImageSet:
    """Images with labels, in the order of their paths.

    Attributes:
        name: of the folder, archive or list.
        part: the images.
        digest: of pixels, labels and paths.
        changes: how many images were changed, by the name of the change.
    """

    name: str
    part: Part
    digest: str
    changes: dict[str, int]


class LabelledList:
    """The images that a table of ``path`` and ``label`` names; paths start from the table's folder.

    Args:
        location: a .csv or .parquet file. Labels are REAL and FAKE in any letter case, or 0 and 1.
    """

    def __init__(self, location: str) -> None:
        self.location = location
        self.name = Path(location).stem
        self.labels = _read_list(Path(location))

    def fingerprint(self) -> str:
        """A hash of paths, labels, and the files' sizes and times."""
        rows = [f"{path}/{label}/{file_state(self._file(path))}" for path, label in self.labels.items()]
        return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogateescape")).hexdigest()

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Paths as the table gives them, and contents.

        Raises:
            DataError: a file cannot be read.
        """
        for path in self.labels:
            try:
                yield path, Path(self._file(path)).read_bytes()
            except OSError as error:
                raise DataError(f"{self.location}: {path} cannot be read ({error.strerror})") from None

    def _file(self, path: str) -> str:
        return os.path.join(os.path.dirname(self.location), path)


def load_image_set(source: Source, label: Callable[[str], str], encode: bool) -> ImageSet:
    """Read images with labels; one of the two labels may be missing.

    Args:
        source: see ``open_image_set``.
        label: see there.
        encode: see ``prepare``.

    Raises:
        DataError: there is no image, or a file that cannot be used.
    """
    key = hashlib.sha256(f"{FORMAT} {encode} {source.fingerprint()}".encode()).hexdigest()[:20]
    folder = cache_directory() / "image_sets" / key
    folder.parent.mkdir(exist_ok=True)
    with exclusive(folder):
        if not folder.is_dir():
            _build(source, label, encode, folder)
    images = np.load(folder / "images.npy", mmap_mode="r")
    index = np.load(folder / "index.npy")
    meta = json.loads((folder / "meta.json").read_text())
    part = Part(images, index["label"], np.full(len(images), ""), index["path"])
    return ImageSet(source.name, part, meta["digest"], meta["changes"])


def open_image_set(location: str) -> tuple[Source, Callable[[str], str]]:
    """The source of a set, and what gives the label of a file by its name.

    Args:
        location: a folder or an archive whose images lie in ``REAL/`` and ``FAKE/`` at any depth, or a list,
            see ``LabelledList``.

    Raises:
        DataError: there is no such thing.
    """
    path = os.path.abspath(os.path.expanduser(location))
    if images := open_files(path):
        return ClassFolders(images, labelled_name), label_of
    if path.lower().endswith((".csv", ".parquet")) and os.path.isfile(path):
        table = LabelledList(path)
        return table, table.labels.__getitem__
    raise DataError(
        f"images: expected a folder, an archive ({', '.join(ARCHIVE_SUFFIXES)}) or a list (.csv, .parquet), "
        f"received {location}, {'which is none' if os.path.exists(path) else 'which does not exist'}"
    )


def _read_list(file: Path) -> dict[str, str]:
    """REAL or FAKE by path, in the order of the rows.

    Raises:
        DataError: a table that cannot be read, lacks a column, or has a label or a path that cannot be used.
    """
    try:
        if file.suffix.lower() == ".parquet":
            table = pd.read_parquet(file)
        else:
            table = pd.read_csv(file, dtype=str, keep_default_na=False)  # a path may be 0001, or NA
        table = table[["path", "label"]].fillna("").astype(str)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{file}: expected a table with the columns path and label ({error})") from None
    labels = table["label"].str.strip().str.lower().map(LIST_LABELS)
    twice = table["path"].duplicated()
    if (wrong := labels.isna() | twice | (table["path"] == "")).any():
        path, label = table[wrong].iloc[0]
        received = f"{path} twice" if path and twice[wrong].iloc[0] else f"{path!r} with {label!r}"
        raise DataError(f"{file}: expected each path once with a label REAL or FAKE, received {received}")
    return dict(zip(table["path"], labels, strict=True))


def _build(source: Source, label: Callable[[str], str], encode: bool, folder: Path) -> None:
    with written_aside(folder) as unfinished:
        unfinished.mkdir()
        raw = unfinished / "raw"
        files = decode_all(source, raw, partial(to_pixels, encode=encode))
        refuse(source, files.problems, len(files.names))
        if not files.names:
            raise DataError(
                f"{source.location}: expected images in folders {' and '.join(LABELS)}, or in one of them, "
                "found none"
            )
        paths = np.array(files.names)
        order = np.argsort(paths)  # a set has one order, whatever its source's
        labels = np.array([LABELS.index(label(name)) for name in files.names], np.int8)[order]
        digest = hashlib.sha256("\n".join(paths[order]).encode())
        digest.update(labels.tobytes())
        pixels = read_pixels(raw)
        with (unfinished / "images.npy").open("wb") as stream:  # a mapped file dies on a full disk
            header = {"descr": "|u1", "fortran_order": False, "shape": pixels.shape}
            np.lib.format.write_array_header_1_0(stream, header)
            for start in range(0, len(pixels), BLOCK):
                block = pixels[order[start : start + BLOCK]].tobytes()
                stream.write(block)
                digest.update(block)
        index = np.empty(len(paths), [("path", paths.dtype), ("label", "i1")])
        index["path"], index["label"] = paths[order], labels
        np.save(unfinished / "index.npy", index)
        (unfinished / "meta.json").write_text(
            json.dumps({"digest": digest.hexdigest()[:16], "changes": files.changes})
        )
        raw.unlink()
