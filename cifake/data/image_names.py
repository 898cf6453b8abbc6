"""Which files are images, by their names, and which are left out."""

from collections.abc import Callable
from dataclasses import dataclass, field

IMAGE_SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".bmp", ".dib", ".gif", ".webp", ".avif", ".tif",
    ".tiff", ".jp2", ".j2k", ".jpx", ".mpo", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico", ".icns", ".pcx",
    ".sgi", ".qoi", ".dds", ".psd",
)  # fmt: skip
SYSTEM_FILES = ("thumbs.db", "desktop.ini")  # and hidden ones
SYSTEM_FOLDERS = ("__macosx", "@eadir", "$recycle.bin")  # and hidden ones
SKIPPED_SHOWN = 3
Filter = Callable[[str], object]


def is_image(path: str) -> bool:
    """Whether a file is an image by its name."""
    return path.lower().endswith(IMAGE_SUFFIXES)


def of_system(path: str) -> bool:
    """Whether a file is one that systems leave behind: ``.DS_Store``, ``.ipynb_checkpoints/0001.jpg``."""
    *folders, name = path.lower().split("/")
    hidden = "/." in f"/{path}" and any(part.strip(".") and part[0] == "." for part in (*folders, name))
    return hidden or name in SYSTEM_FILES or any(folder in SYSTEM_FOLDERS for folder in folders)


def as_text(name: str) -> str:
    r"""A file name as text: bytes that are not UTF-8 as ``\xff``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def in_message(name: str) -> str:
    r"""A file name for a terminal: line breaks and other control characters as ``\n``, too."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in as_text(name))


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
        self.add(name)
        return False

    def add(self, name: str) -> None:
        """Count a file as left out."""
        self.count += 1
        if self.count <= SKIPPED_SHOWN:
            self.examples.append(in_message(name))

    def __str__(self) -> str:
        more = ", ..." if self.count > SKIPPED_SHOWN else ""
        return f"{self.count:,} file(s) left out: {', '.join(self.examples)}{more}"


@dataclass(frozen=True)
class Files:
    """Files of a location; ``skipped`` are those that the latest listing or reading left out."""

    location: str
    skipped: Skipped = field(default_factory=Skipped, compare=False, repr=False, kw_only=True)
