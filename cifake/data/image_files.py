"""Image files of a folder, a glob, a zip or a tar archive, always in the same order."""

import contextlib
import functools
import glob
import gzip
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifake.core.errors import DataError

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz")
# RuntimeError is what zipfile raises for encrypted members and unknown compression.
ARCHIVE_ERRORS = (
    tarfile.ReadError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError, RuntimeError
)  # fmt: skip
Filter = Callable[[str], object]
_OPENERS: dict[str, Any] = {".tar": open, ".gz": gzip.open, ".tgz": gzip.open, ".xz": lzma.open}
_READ_SIZE = 1 << 20
_TAR_END = 1024  # bytes


def is_image(path: str) -> bool:
    """False for other files, and for what systems leave behind: ``.DS_Store``, ``__MACOSX/._0001.jpg``."""
    name = path.rpartition("/")[2]
    return name.lower().endswith(IMAGE_SUFFIXES) and name[0] != "." and "__MACOSX" not in path


@dataclass(frozen=True)
class Folder:
    """Image files at any depth: those of a folder by name, then those of its folders."""

    location: str

    @property
    def name(self) -> str:
        return Path(self.location).resolve().name

    def walk(self, inside: str = "", above: tuple[str, ...] = ()) -> Iterator[tuple[str, list[str]]]:
        """Every folder at any depth, with the names of its image files; only these are in memory.

        Args:
            inside: the folder to begin with, relative to the location.
            above: real paths of the folders that lead there.

        Raises:
            DataError: a folder that cannot be read.
        """
        path = os.path.join(self.location, inside)
        real = os.path.realpath(path)
        if real in above:  # a link that leads back up
            return
        names, folders = [], []
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    if entry.is_dir():
                        folders.append(entry.name)
                    elif is_image(entry.name) and (entry.is_file() or entry.is_symlink()):
                        names.append(entry.name)
        except OSError as error:
            raise _unreadable(error) from None
        yield inside, sorted(names)
        for folder in sorted(folders):
            yield from self.walk(os.path.join(inside, folder), (*above, real))

    def entries(self) -> Iterator[tuple[str, str]]:
        """Names relative to the location, each with the file's size and time."""
        for name in self._names():
            yield name, file_state(os.path.join(self.location, name))

    def read(self, name: str) -> bytes:
        return _read_file(os.path.join(self.location, name))

    def files(self, wanted: Filter = is_image) -> Iterator[tuple[str, bytes]]:
        """Names and contents.

        Raises:
            DataError: a folder or a file that cannot be read.
        """
        for name in filter(wanted, self._names()):
            try:
                yield name, self.read(name)
            except OSError as error:
                raise _unreadable(error) from None

    def _names(self) -> Iterator[str]:
        for folder, names in self.walk():
            for name in names:
                yield os.path.join(folder, name)


@dataclass(frozen=True)
class Glob:
    """The files that a pattern matches, by name; ``**`` stands for folders at any depth."""

    location: str
    start: str  # the folder that names start from

    @property
    def name(self) -> str:
        fixed = [part for part in Path(self.location).parts if not glob.has_magic(part)]
        return Path(*fixed).stem or "images"

    def entries(self) -> Iterator[tuple[str, str]]:
        matches = glob.iglob(self.location, recursive=True, include_hidden=False)
        for name in sorted(filter(os.path.isfile, matches)):
            yield name, file_state(name)

    def read(self, name: str) -> bytes:
        return _read_file(os.path.join(self.start, name))


@dataclass(frozen=True)
class Zip:
    """The images of a .zip, in its order."""

    location: str

    @property
    def name(self) -> str:
        return _stem(self.location)

    def entries(self) -> Iterator[tuple[str, str]]:
        """Names, each with the file's size and checksum."""
        with whole_archive(self.location), zipfile.ZipFile(self.location) as archive:
            for member in archive.infolist():
                if is_image(member.filename):
                    yield member.filename, f"{member.file_size}/{member.CRC}"

    def read(self, name: str) -> bytes:
        return _open_zip(self.location).read(name)

    def files(self, wanted: Filter = is_image) -> Iterator[tuple[str, bytes]]:
        """Names and contents."""
        with whole_archive(self.location), zipfile.ZipFile(self.location) as archive:
            for member in archive.infolist():
                if wanted(member.filename):
                    yield member.filename, archive.read(member)


@dataclass(frozen=True)
class Tar:
    """The images of a .tar, .tar.gz or .tar.xz, in its order; it can only be read from its start."""

    location: str

    @property
    def name(self) -> str:
        return _stem(self.location)

    def files(self, wanted: Filter = is_image) -> Iterator[tuple[str, bytes]]:
        """Names and contents."""
        # tarfile takes a stream that is cut between two members for a whole one: these say that
        # their end is missing, if they are read as far as that.
        opener = _OPENERS[Path(self.location).suffix.lower()]
        with whole_archive(self.location), opener(self.location, "rb") as stream:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for member in archive:
                    if wanted(member.name) and member.isfile() and (file := archive.extractfile(member)):
                        yield member.name, file.read()
            while stream.read(_READ_SIZE):
                pass
            if opener is open:  # a plain tar ends in two empty blocks
                stream.seek(-min(_TAR_END, stream.tell()), os.SEEK_END)
                if any(stream.read()):
                    raise tarfile.ReadError("no end-of-archive marker")


Listed = Folder | Glob | Zip  # all names and states are known before the first image is read
ImageFiles = Listed | Tar


def open_files(path: str) -> Folder | Zip | Tar | None:
    """The images of a folder or an archive; None for any other path."""
    if os.path.isdir(path):
        return Folder(path)
    if os.path.isfile(path) and path.lower().endswith(ARCHIVE_SUFFIXES):
        return Zip(path) if path.lower().endswith(".zip") else Tar(path)
    return None


@contextlib.contextmanager
def whole_archive(location: str) -> Iterator[None]:
    """Turn the errors of a damaged archive into a DataError."""
    try:
        yield
    except ARCHIVE_ERRORS as error:
        raise DataError(
            f"{location}: the archive is damaged or cut short ({error}); fetch it again"
        ) from None


def file_state(path: str) -> str:
    """Size and time of a file, which change when its content does."""
    try:
        status = os.stat(path)
    except OSError:  # a link that leads nowhere; reading it will say so
        return "unreadable"
    return f"{status.st_size}/{status.st_mtime_ns}"


def _read_file(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # a buffer costs a fifth more where files are this small
        return file.read()


def _unreadable(error: OSError) -> DataError:
    return DataError(f"{error.filename}: cannot be read ({error.strerror})")


def _stem(location: str) -> str:
    name = Path(location).name
    return next(name[: -len(suffix)] for suffix in ARCHIVE_SUFFIXES if name.lower().endswith(suffix))


@functools.lru_cache(maxsize=4)
def _open_zip(location: str) -> zipfile.ZipFile:
    """Open for as long as the process lives: its directory is read once."""
    return zipfile.ZipFile(location)
