"""The data set's files by canonical name, from a folder or an archive that is not unpacked."""

import functools
import hashlib
import logging
import os
import re
from collections.abc import Callable, Iterator
from typing import Protocol

from cifake.data.archives import Tar, Zip
from cifake.data.image_files import Folder, file_state
from cifake.data.image_names import as_text, is_image, of_system

_LABEL_FOLDER = re.compile(r"(?:^|/)(real|fake)(?=/)(?!.*/(?:real|fake)/)", re.IGNORECASE)
_CLASS_FOLDER = re.compile(r"(?:^|/)(train|test)/(real|fake)$", re.IGNORECASE)
logger = logging.getLogger(__name__)


class Source(Protocol):
    """Image files by name, and a fingerprint that changes when they do."""

    name: str
    location: str

    def fingerprint(self) -> str:
        """A hash of the content or of the file list."""
        ...

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield ``train/REAL/0001 (2).jpg`` and the file's bytes, in the source's order."""
        ...


@functools.cache
def class_folder(path: str) -> str:
    """``any/Train/real`` as ``train/REAL``; empty for other folders."""
    match = _CLASS_FOLDER.search(path)
    return f"{match[1].lower()}/{match[2].upper()}" if match else ""


def canonical_name(path: str) -> str:
    """``any/Train/real/0001.jpg`` as ``train/REAL/0001.jpg``; empty for other files."""
    if "/" not in path:
        path = path.replace("\\", "/")  # as some programs for Windows pack them
    folder, _, name = path.rpartition("/")
    canonical = class_folder(folder)
    return as_text(f"{canonical}/{name}") if canonical and is_image(path) else ""


def labelled_name(path: str) -> str:
    """A path that leads through ``REAL`` or ``FAKE``, in any letter case; empty for other files."""
    return as_text(path) if label_of(path) and is_image(path) else ""


def label_of(path: str) -> str:
    """``REAL`` or ``FAKE``, by the innermost folder of that name; empty without one."""
    match = _LABEL_FOLDER.search(path)
    return match[1].upper() if match else ""


class ClassFolders:
    """Images in folders that name their class, at any depth and in any letter case.

    Args:
        images: a folder or an archive.
        canonical_name: gives the name of a file by its path, empty for files that are not of the data set; by
            default it takes CIFAKE's ``train/REAL`` and so on.
    """

    def __init__(
        self, images: Folder | Zip | Tar, canonical_name: Callable[[str], str] = canonical_name
    ) -> None:
        self.images = images
        self.name = images.name
        self.location = as_text(images.location)
        self.canonical_name = canonical_name

    def fingerprint(self) -> str:
        if not isinstance(self.images, Folder):
            with open(self.images.location, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        rows = [
            f"{name}/{file_state(os.path.join(self.images.location, inside, file))}"
            for inside, files in self.images.walk()
            for file in files
            if (name := self.canonical_name(os.path.join(inside, file)))
            and not of_system(os.path.join(inside, file))
        ]
        return hashlib.sha256("\n".join(sorted(rows)).encode("utf-8", "surrogateescape")).hexdigest()

    def files(self) -> Iterator[tuple[str, bytes]]:
        for path, data in self.images.files(self.canonical_name):
            yield self.canonical_name(path), data
        if self.images.skipped.count:
            logger.warning("%s: %s", self.location, self.images.skipped)
