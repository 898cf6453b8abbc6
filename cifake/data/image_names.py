"""Which files are images, by their names, and which are left out."""

from collections.abc import Callable
from dataclasses import dataclass, field

IMAGE_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".bmp", ".dib", ".gif", ".webp", ".avif", ".tif",
    ".tiff", ".jp2", ".j2k", ".jpx", ".mpo", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico", ".icns", ".pcx",
    ".sgi", ".qoi", ".dds", ".psd",
)  # fmt: skip
SYSTEM_FILES = ("thumbs.db", "desktop.ini")  # and hidden ones
SKIPPED_SHOWN = 3
Filter = Callable[[str], object]


def is_image(path: str) -> bool:
    """Whether a file is an image by its name."""
    return path.lower().endswith(IMAGE_SUFFIXES)


def of_system(path: str) -> bool:
    """Whether a file is one that systems leave behind: ``.DS_Store``, ``__MACOSX/._0001.jpg``."""
    name = path.rpartition("/")[2]
    return name.startswith(".") or name.lower() in SYSTEM_FILES or "__MACOSX/" in path


def as_text(name: str) -> str:
    r"""A file name as text: bytes that are not UTF-8 as ``\xff``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


@dataclass
class Skipped:
    """Files that are left out: their number and the first names."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def clear(self) -> None:
        """Start counting again."""
        self.count = 0
        self.examples.clear()

    def keep(self, name: str, wanted: Filter) -> bool:
        """Whether a file is wanted; if not, count it, unless a system left it behind."""
        if of_system(name):
            return False
        if wanted(name):
            return True
        self.count += 1
        if self.count <= SKIPPED_SHOWN:
            self.examples.append(as_text(name))
        return False

    def __str__(self) -> str:
        more = ", ..." if self.count > SKIPPED_SHOWN else ""
        return f"{self.count:,} file(s) left out: {', '.join(self.examples)}{more}"


@dataclass(frozen=True)
class Files:
    """Files of a location; ``skipped`` are those that the latest listing or reading left out."""

    location: str
    skipped: Skipped = field(default_factory=Skipped, compare=False, repr=False, kw_only=True)
