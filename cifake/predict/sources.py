"""The images to predict: files at any depth of a folder, in an archive, or that a glob matches."""

import functools
import glob
import hashlib
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cifake.core.errors import DataError
from cifake.data.sources import ARCHIVE_SUFFIXES, IMAGE_SUFFIXES, is_image_name, tar_files, whole_archive
from cifake.predict.listing import file_state, sort, walk


@dataclass(frozen=True)
class Folder:
    """Image files at any depth: those of a folder by name, then those of its folders."""

    location: str

    @property
    def name(self) -> str:
        return Path(self.location).resolve().name

    def names(self) -> Iterator[tuple[str, str]]:
        for name in walk(self.location):
            yield name, file_state(os.path.join(self.location, name))

    def read(self, name: str) -> bytes:
        return _read_file(os.path.join(self.location, name))


@dataclass(frozen=True)
class Glob:
    """The files that a pattern matches, by name; ``**`` stands for folders at any depth."""

    location: str
    start: str  # the folder that names start from

    @property
    def name(self) -> str:
        fixed = [part for part in Path(self.location).parts if not glob.has_magic(part)]
        return Path(*fixed).stem or "images"

    def names(self) -> Iterator[tuple[str, str]]:
        matches = glob.iglob(self.location, recursive=True, include_hidden=False)
        for name in sort(name for name in matches if os.path.isfile(name)):
            yield name, file_state(name)

    def read(self, name: str) -> bytes:
        return _read_file(os.path.join(self.start, name))


@dataclass(frozen=True)
class Zip:
    """The images of a .zip, in its order."""

    location: str

    @property
    def name(self) -> str:
        return Path(self.location).name[: -len(".zip")]

    def names(self) -> Iterator[tuple[str, str]]:
        with whole_archive(Path(self.location)):
            for member in _open_zip(self.location).infolist():
                if wanted(member.filename):
                    yield member.filename, f"{member.file_size}/{member.CRC}"

    def read(self, name: str) -> bytes:
        return _open_zip(self.location).read(name)


@dataclass(frozen=True)
class Tar:
    """The images of a .tar, .tar.gz or .tar.xz, in its order; it can only be read from its start."""

    location: str

    @property
    def name(self) -> str:
        name = Path(self.location).name
        return next(name[: -len(suffix)] for suffix in ARCHIVE_SUFFIXES if name.lower().endswith(suffix))

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Names and contents."""
        with whole_archive(Path(self.location)):
            yield from tar_files(Path(self.location), wanted)

    def digest(self) -> str:
        """What changes when the archive does."""
        return hashlib.sha256(file_state(self.location).encode()).hexdigest()


# Names and states (size, time) of these are known before the first image is read, one by one.
Listed = Folder | Glob | Zip
Source = Listed | Tar


def no_images(source: "Source") -> DataError:
    """What to raise of a source without any."""
    return DataError(f"{source.location}: no image files, whose names end in {', '.join(IMAGE_SUFFIXES)}")


def open_images(given: str) -> list[Source]:
    """The sources that ``images=`` names, separated by commas.

    Raises:
        DataError: one that is not there.
    """
    parts = [given] if os.path.lexists(given) else [part.strip() for part in given.split(",") if part.strip()]
    if not parts:
        raise DataError(f"images: expected folders, archives or globs, received '{given}'")
    return [_open(part) for part in parts]


def wanted(name: str) -> str | None:
    """A member of an archive, if it is an image and not what systems add."""
    return name if "__MACOSX" not in name and is_image_name(os.path.basename(name) or ".") else None


def shown(name: str) -> str:
    r"""A name as text: bytes that are not UTF-8 as ``\xff``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _read_file(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # a buffer costs a fifth more where files are this small
        return file.read()


def _open(text: str) -> Source:
    location = os.path.expanduser(text)
    whole = os.path.abspath(location)  # other processes may have other working directories
    if os.path.isdir(location):
        return Folder(whole)
    if os.path.isfile(location):
        if not location.lower().endswith(ARCHIVE_SUFFIXES):
            return Glob(glob.escape(location), os.getcwd())
        return Zip(whole) if location.lower().endswith(".zip") else Tar(whole)
    if glob.has_magic(location):
        return Glob(location, os.getcwd())
    raise DataError(
        f"images: there is no {location}; expected folders, archives ({', '.join(ARCHIVE_SUFFIXES)}) or "
        "globs such as 'photos/*.jpg', separated by commas"
    )


@functools.lru_cache(maxsize=4)
def _open_zip(location: str) -> zipfile.ZipFile:
    """Open for as long as the process lives: its directory is read once."""
    return zipfile.ZipFile(location)
