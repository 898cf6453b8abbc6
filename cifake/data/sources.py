"""The data set's files by canonical name, from a folder or an archive that is not unpacked."""

import functools
import hashlib
import logging
import os
import re
from collections.abc import Iterator

from cifake.data.archives import Tar, Zip
from cifake.data.demo import Demo
from cifake.data.image_files import Folder, file_state
from cifake.data.image_names import as_text, is_image, of_system

_CLASS_FOLDER = re.compile(r"(?:^|/)(train|test)/(real|fake)$", re.IGNORECASE)
logger = logging.getLogger(__name__)


class ClassFolders:
    """CIFAKE: images in ``train/REAL`` and so on, at any depth and in any letter case.

    Args:
        images: a folder or an archive.
    """

    name = "cifake"

    def __init__(self, images: Folder | Zip | Tar) -> None:
        self.images = images
        self.location = as_text(images.location)

    def fingerprint(self) -> str:
        """A hash of the archive, or of the names, sizes and times in the folder."""
        if not isinstance(self.images, Folder):
            with open(self.images.location, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256()
        for inside, names in self.images.walk():
            if folder := class_folder(inside):
                path = os.path.join(self.images.location, inside)
                rows = [
                    f"{name}/{file_state(os.path.join(path, name))}"
                    for name in names
                    if is_image(name) and not of_system(os.path.join(inside, name))
                ]
                digest.update("\n".join([folder, *sorted(rows)]).encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield ``train/REAL/0001 (2).jpg`` and the file's bytes, in the order of the folder or archive."""
        for path, data in self.images.files(canonical_name):
            yield canonical_name(path), data
        if self.images.skipped.count:
            logger.warning("%s: %s", self.location, self.images.skipped)


Source = ClassFolders | Demo


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
