"""Image files of a folder, a glob or an archive, always in the same order."""

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cifake.core.errors import DataError
from cifake.data.archives import ARCHIVE_SUFFIXES, Tar, Zip
from cifake.data.image_names import Files, Filter, is_image


@dataclass(frozen=True)
class Folder(Files):
    """Image files at any depth: those of a folder by name, then those of its folders."""

    @property
    def name(self) -> str:
        return Path(self.location).resolve().name

    def walk(self, inside: str = "", above: tuple[str, ...] = ()) -> Iterator[tuple[str, list[str]]]:
        """Every folder at any depth, with the sorted names of its files; only these are in memory.

        It begins with the folder ``inside`` the location; ``above`` are real paths of those that lead there.

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
                    elif entry.is_file() or not os.path.exists(entry.path):
                        names.append(entry.name)
                    else:  # a pipe, whose end never comes
                        self.skipped.add(os.path.join(inside, entry.name))
        except OSError as error:
            raise _unreadable(error) from None
        yield inside, sorted(names)
        for folder in sorted(folders):
            yield from self.walk(os.path.join(inside, folder), (*above, real))

    def entries(self) -> Iterator[tuple[str, str]]:
        """Names relative to the location, each with the file's size and time."""
        for name in self._names(is_image):
            yield name, file_state(os.path.join(self.location, name))

    def read(self, name: str) -> bytes:
        return _read_file(os.path.join(self.location, name))

    def files(self, wanted: Filter = is_image) -> Iterator[tuple[str, bytes]]:
        """Names and contents.

        Raises:
            DataError: a folder or a file that cannot be read.
        """
        for name in self._names(wanted):
            try:
                yield name, self.read(name)
            except OSError as error:
                raise _unreadable(error) from None

    def _names(self, wanted: Filter) -> Iterator[str]:
        self.skipped.clear()
        for folder, names in self.walk():
            for name in names:
                path = os.path.join(folder, name)
                if self.skipped.keep(path, wanted):
                    yield path


@dataclass(frozen=True)
class Glob(Files):
    """The files that a pattern matches, by name; ``**`` stands for folders at any depth."""

    start: str  # the folder that names start from

    @property
    def name(self) -> str:
        fixed = [part for part in Path(self.location).parts if not glob.has_magic(part)]
        return Path(*fixed).stem or "images"

    def entries(self) -> Iterator[tuple[str, str]]:
        matches = glob.iglob(self.location, recursive=True, include_hidden=False)
        self.skipped.clear()
        for name in sorted(matches):
            if os.path.isfile(name) or not os.path.exists(name):  # a link that leads nowhere
                yield name, file_state(name)
            elif not os.path.isdir(name):
                self.skipped.add(name)

    def read(self, name: str) -> bytes:
        return _read_file(os.path.join(self.start, name))


Listed = Folder | Glob | Zip  # all names and states are known before the first image is read
ImageFiles = Listed | Tar


def open_files(path: str) -> Folder | Zip | Tar | None:
    """The images of a folder or an archive; None for any other path."""
    if os.path.isdir(path):
        return Folder(path)
    if os.path.isfile(path) and path.lower().endswith(ARCHIVE_SUFFIXES):
        return Zip(path) if path.lower().endswith(".zip") else Tar(path)
    return None


def file_state(path: str) -> str:
    """Size and times of a file, which change when its content does.

    Archives unpack files with the times that they had when they were packed, which may all be the same. The
    time of the last change of a file's state (ctime) cannot be set.
    """
    try:
        status = os.stat(path)
    except OSError:  # a link that leads nowhere; reading it will say so
        return "unreadable"
    return f"{status.st_size}/{status.st_mtime_ns}/{status.st_ctime_ns}"


def _read_file(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # a buffer costs a fifth more where files are this small
        return file.read()


def _unreadable(error: OSError) -> DataError:
    return DataError(f"{error.filename}: cannot be read ({error.strerror})")
