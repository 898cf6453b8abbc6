"""Image files of a zip or a tar archive, which is not unpacked."""

import contextlib
import functools
import gzip
import lzma
import os
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifake.core.errors import DataError
from cifake.data.image_names import Files, Filter, is_image

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz")
_OPENERS: dict[str, Any] = {".tar": open, ".gz": gzip.open, ".tgz": gzip.open, ".xz": lzma.open}
_READ_SIZE = 1 << 20
ENCRYPTED = 1  # a bit of a zip member's flags
_TAR_END = 1024  # bytes


@dataclass(frozen=True)
class Archive(Files):
    """An archive, named without its suffix."""

    @property
    def name(self) -> str:
        name = Path(self.location).name
        return next(name[: -len(suffix)] for suffix in ARCHIVE_SUFFIXES if name.lower().endswith(suffix))


@dataclass(frozen=True)
class Zip(Archive):
    """The images of a .zip, in its order."""

    def entries(self) -> Iterator[tuple[str, str]]:
        """Names, each with the file's size and checksum."""
        with whole_archive(self.location), zipfile.ZipFile(self.location) as archive:
            for name in self._names(archive, is_image):
                member = archive.getinfo(name)
                yield name, f"{member.file_size}/{member.CRC}"

    def read(self, name: str) -> bytes:
        return _open_zip(self.location).read(name)

    def files(self, wanted: Filter = is_image) -> Iterator[tuple[str, bytes]]:
        """Names and contents."""
        with whole_archive(self.location), zipfile.ZipFile(self.location) as archive:
            for name in self._names(archive, wanted):
                yield name, archive.read(name)

    def _names(self, archive: zipfile.ZipFile, wanted: Filter) -> Iterator[str]:
        self.skipped.clear()
        for member in archive.infolist():
            if member.is_dir() or not self.skipped.keep(member.filename, wanted):
                continue
            if archive.getinfo(member.filename) is not member:  # replaced by a later one, as unpacking does
                self.skipped.add(member.filename)
                continue
            if member.flag_bits & ENCRYPTED:
                raise DataError(f"{self.location}: the archive is encrypted; pack it without a password")
            yield member.filename


@dataclass(frozen=True)
class Tar(Archive):
    """The images of a .tar, .tar.gz or .tar.xz, in its order; it can only be read from its start."""

    def files(self, wanted: Filter = is_image) -> Iterator[tuple[str, bytes]]:
        """Names and contents."""
        # tarfile takes a stream that is cut between two members for a whole one: these say that
        # their end is missing, if they are read as far as that.
        self.skipped.clear()
        opener = _OPENERS[Path(self.location).suffix.lower()]
        with whole_archive(self.location), opener(self.location, "rb") as stream:
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                seen = set()
                for member in archive:
                    if member.isfile() and self.skipped.keep(member.name, wanted):
                        if member.name in seen:
                            raise DataError(f"{self.location}: {member.name} is in it twice; pack it again")
                        seen.add(member.name)
                        if file := archive.extractfile(member):
                            yield member.name, file.read()
                    elif not member.isfile() and not member.isdir():  # a link, whose target has passed
                        self.skipped.add(member.name)
            while stream.read(_READ_SIZE):
                pass
            if opener is open:  # a plain tar ends in two empty blocks
                stream.seek(-min(_TAR_END, stream.tell()), os.SEEK_END)
                if any(stream.read()):
                    raise tarfile.ReadError("no end-of-archive marker")


@contextlib.contextmanager
def whole_archive(location: str) -> Iterator[None]:
    """Turn the errors of a damaged archive into a DataError."""
    try:
        yield
    except NotImplementedError as error:  # of zipfile, which names what it does not know
        raise DataError(f"{location}: the archive cannot be read ({error}); pack it with deflate") from None
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001, zipfile and tarfile raise nearly anything on broken archives
        raise DataError(
            f"{location}: the archive is damaged or cut short ({error}); fetch it again"
        ) from None


@functools.lru_cache(maxsize=4)
def _open_zip(location: str) -> zipfile.ZipFile:
    """Open for as long as the process lives: its directory is read once."""
    return zipfile.ZipFile(location)
