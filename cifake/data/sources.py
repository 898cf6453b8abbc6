"""Where images come from: a directory or an archive, read without unpacking to disk."""

import contextlib
import gzip
import hashlib
import lzma
import operator
import os
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from cifake.core.errors import DataError

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz")
# RuntimeError is what zipfile raises for encrypted members and unknown compression.
ARCHIVE_ERRORS = (
    tarfile.ReadError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError, RuntimeError
)  # fmt: skip
_OPENERS: dict[str, Any] = {".tar": open, ".gz": gzip.open, ".tgz": gzip.open, ".xz": lzma.open}
_READ_SIZE = 1 << 20
_TAR_END = 1024  # bytes
Rename = Callable[[str], str | None]
_CLASS_FOLDER = re.compile(r"(?:^|/)(train|test)/(real|fake)$", re.IGNORECASE)
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")


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


class Directory:
    """A tree that holds ``train/REAL`` and so on at any depth, in any letter case."""

    name = "cifake"

    def __init__(self, root: Path) -> None:
        self.root = root
        self.location = str(root)

    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        for folder, entries in self._class_folders():
            rows = [
                f"{entry.name}/{(status := entry.stat()).st_size}/{status.st_mtime_ns}" for entry in entries
            ]
            digest.update("\n".join([folder, *sorted(rows)]).encode())
        return digest.hexdigest()

    def files(self) -> Iterator[tuple[str, bytes]]:
        for folder, entries in self._class_folders():
            for entry in sorted(entries, key=operator.attrgetter("name")):
                try:
                    yield f"{folder}/{entry.name}", Path(entry.path).read_bytes()
                except OSError as error:
                    _unreadable(error)

    def _class_folders(self) -> Iterator[tuple[str, list[os.DirEntry[str]]]]:
        """Image files by folder: with 120,000 of them, work a folder is cheap, work a file is not."""
        for root, folders, _ in os.walk(self.root, onerror=_unreadable, followlinks=True):
            folders.sort()
            if folder := class_folder(root):
                folders.clear()  # nothing of ours lies deeper
                with os.scandir(root) as entries:
                    yield folder, [entry for entry in entries if is_image_name(entry.name)]


class Archive:
    """A .zip, .tar, .tar.gz or .tar.xz of such a tree."""

    name = "cifake"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.location = str(path)

    def fingerprint(self) -> str:
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def files(self) -> Iterator[tuple[str, bytes]]:
        read = _zip_files if self.path.suffix.lower() == ".zip" else tar_files
        with whole_archive(self.path):
            yield from read(self.path, _member_name)


@contextlib.contextmanager
def whole_archive(path: Path) -> Iterator[None]:
    """Turn what reading a damaged archive raises into a DataError."""
    try:
        yield
    except ARCHIVE_ERRORS as error:
        raise DataError(f"{path}: the archive is damaged or cut short ({error}); fetch it again") from None


def _unreadable(error: OSError) -> None:
    raise DataError(f"{error.filename}: cannot be read ({error.strerror})") from None


def class_folder(path: str) -> str | None:
    """``any/Train/real`` as ``train/REAL``; None for other folders."""
    path = path.replace(os.sep, "/")
    match = _CLASS_FOLDER.search(path)
    if match is None or "__MACOSX" in path:
        return None
    return f"{match[1].lower()}/{match[2].upper()}"


def is_image_name(name: str) -> bool:
    """False for what systems leave in folders, such as ``.DS_Store`` and ``._0001.jpg``."""
    return name[0] != "." and name.lower().endswith(IMAGE_SUFFIXES)


def _member_name(path: str) -> str | None:
    folder, _, name = path.rpartition("/")
    canonical = class_folder(folder)
    return f"{canonical}/{name}" if canonical and is_image_name(name) else None


def _zip_files(path: Path, rename: Rename) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if name := rename(member.filename):
                yield name, archive.read(member)


def tar_files(path: Path, rename: Rename) -> Iterator[tuple[str, bytes]]:
    """Files of a tar archive in its order; ``rename`` gives None for those that are not wanted."""
    # tarfile takes a stream that is cut between two members for a whole one: these say that
    # their end is missing, if they are read as far as that.
    opener = _OPENERS[path.suffix.lower()]
    with opener(path, "rb") as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            name = rename(member.name)
            if name and member.isfile() and (file := archive.extractfile(member)):
                yield name, file.read()
        while stream.read(_READ_SIZE):
            pass
    if opener is open:  # a plain tar ends in two empty blocks
        with path.open("rb") as tail:
            tail.seek(-min(_TAR_END, path.stat().st_size), os.SEEK_END)
            if any(tail.read()):
                raise tarfile.ReadError("no end-of-archive marker")
