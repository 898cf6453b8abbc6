"""The data set's files by canonical name, from a folder or an archive that is not unpacked."""

import functools
import hashlib
import os
import re
from collections.abc import Iterator
from typing import Protocol

from cifake.data.image_files import Folder, Tar, Zip, file_state, is_image

_CLASS_FOLDER = re.compile(r"(?:^|/)(train|test)/(real|fake)$", re.IGNORECASE)


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


class ClassFolders:
    """CIFAKE: images in ``train/REAL`` and so on, at any depth and in any letter case.

    Args:
        images: a folder or an archive.
    """

    name = "cifake"

    def __init__(self, images: Folder | Zip | Tar) -> None:
        self.images = images
        self.location = images.location

    def fingerprint(self) -> str:
        if not isinstance(self.images, Folder):
            with open(self.location, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256()
        for inside, names in self.images.walk():
            if folder := class_folder(inside):
                path = os.path.join(self.location, inside)
                rows = [f"{name}/{file_state(os.path.join(path, name))}" for name in names]
                digest.update("\n".join([folder, *sorted(rows)]).encode())
        return digest.hexdigest()

    def files(self) -> Iterator[tuple[str, bytes]]:
        for path, data in self.images.files(canonical_name):
            yield canonical_name(path), data


@functools.cache
def class_folder(path: str) -> str:
    """``any/Train/real`` as ``train/REAL``; empty for other folders."""
    match = _CLASS_FOLDER.search(path)
    return f"{match[1].lower()}/{match[2].upper()}" if match and "__MACOSX" not in path else ""


def canonical_name(path: str) -> str:
    """``any/Train/real/0001.jpg`` as ``train/REAL/0001.jpg``; empty for other files."""
    folder, _, name = path.rpartition("/")
    canonical = class_folder(folder)
    return f"{canonical}/{name}" if canonical and is_image(path) else ""
