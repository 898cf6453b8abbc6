"""Decode image files into pixels, on all cores."""

import contextlib
import io
import itertools
import logging
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import simplejpeg
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from cifake.contract import IMAGE_SIDE
from cifake.core.errors import DataError
from cifake.core.progress import progress_bar
from cifake.data.image_names import in_message
from cifake.data.sources import Source

IMAGE_BYTES = IMAGE_SIDE * IMAGE_SIDE * 3
CHUNK = 512  # files a task: enough to hide the cost of passing it to a process
JPEG_START = b"\xff\xd8"
# Those of IMAGE_SUFFIXES, whatever a file is called. Pillow runs Ghostscript on EPS, which IPTC may hold.
FORMATS = (
    "JPEG", "PNG", "BMP", "DIB", "GIF", "WEBP", "AVIF", "TIFF", "JPEG2000", "PPM", "TGA", "ICO", "ICNS",
    "PCX", "SGI", "QOI", "DDS", "PSD",
)  # fmt: skip
ORIENTATION_MARKS = (b"Exif\0\0", b"tiff:Orientation")  # EXIF, and XMP where Pillow reads it from, too
warnings.filterwarnings("ignore", module="PIL")  # of damaged metadata, and of sizes that are checked here
logging.getLogger("PIL").setLevel(
    logging.CRITICAL
)  # it logs errors without the file's name, then raises them
Problem = tuple[str, str]  # a file's name, and why it cannot be used
# From the contents of a file to its pixels, uint8 [32, 32, 3] as bytes, and the names of the changes to it; a
# ValueError says why a file cannot be used.
Convert = Callable[[bytes], tuple[bytes, list[str]]]


def plain_jpeg(data: bytes) -> bytes | None:
    """Decode a valid colour JPEG of 32 x 32 pixels, the format of CIFAKE, without Pillow.

    Pillow, too, calls libjpeg-turbo, so pixels are the same, but at this size its overhead is four fifths of
    the time.

    Returns:
        uint8 [32, 32, 3] as bytes; None for all other files, which are left to Pillow.
    """
    if any(mark in data for mark in ORIENTATION_MARKS):
        return None
    try:
        height, width, colors, _ = simplejpeg.decode_jpeg_header(data)
        if (height, width, colors) != (IMAGE_SIDE, IMAGE_SIDE, "YCbCr"):
            return None
        return bytes(simplejpeg.decode_jpeg(data, "RGB"))
    except ValueError:  # damaged; Pillow tolerates some of that
        return None


def open_image(data: bytes) -> Image.Image:
    """Decode an image file of the data set, rotated by its EXIF orientation.

    Raises:
        ValueError: empty, damaged or not an image, another size, not plain RGB.
    """
    image = upright(read_image(data, check_plain))
    with pillow_errors():
        return image.copy()  # some formats load again, and may fail, whenever the pixels are read


def exact_pixels(data: bytes) -> tuple[bytes, list[str]]:
    """The pixels of a file of the data set, which is taken as it is or refused; see ``open_image``."""
    return plain_jpeg(data) or open_image(data).tobytes(), []


def read_image(data: bytes, check: Callable[[Image.Image], None]) -> Image.Image:
    """Decode an image file as it is stored; ``upright`` rotates it.

    Args:
        data: the contents of the file.
        check: raises ValueError to refuse an image; called before and after the pixels are decoded.

    Raises:
        ValueError: empty, damaged or not an image; what ``check`` raises. Nothing else is raised.
    """
    if not data:
        raise ValueError("empty file")
    # With the format given, an image this small takes a sixth less time.
    formats = ("JPEG",) if data.startswith(JPEG_START) else FORMATS
    with pillow_errors():
        image = Image.open(io.BytesIO(data), formats=formats)
    check(image)
    with pillow_errors():
        image.load()
    check(image)  # again: an ICO or ICNS file may hold another size than it declares
    return image


def upright(image: Image.Image) -> Image.Image:
    """Rotate and mirror an image by its EXIF orientation; the same object if it has none.

    Raises:
        ValueError: the metadata is damaged.
    """
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001, Pillow raises nearly anything; the pixels are sound all the same
        return image
    if orientation not in range(2, 9):
        return image
    with pillow_errors():
        return ImageOps.exif_transpose(image)


@contextlib.contextmanager
def pillow_errors() -> Iterator[None]:
    """Turn the errors of a file that Pillow cannot read into a ValueError of one line."""
    try:
        yield
    except UnidentifiedImageError:
        raise ValueError("not an image") from None
    except Exception as error:  # noqa: BLE001, Pillow's decoders raise nearly anything on broken files
        text = " ".join(str(error).split()) or type(error).__name__
        too_large = isinstance(error, Image.DecompressionBombError)
        raise ValueError(text if too_large else f"damaged image ({text})") from None


def check_plain(image: Image.Image) -> None:
    """Raise a ValueError unless an image is RGB of 32 x 32 pixels."""
    if image.size != (IMAGE_SIDE, IMAGE_SIDE):
        raise ValueError(f"expected {IMAGE_SIDE}x{IMAGE_SIDE} pixels, received {image.width}x{image.height}")
    if image.mode != "RGB":
        raise ValueError(f"expected an RGB image, received mode {image.mode}")
    if "transparency" in image.info:
        raise ValueError("expected an RGB image, received one with a transparent colour")


@dataclass(frozen=True)
class DecodedFiles:
    """What became of image files.

    Attributes:
        names: of all files, in the order of the pixels.
        problems: those that cannot be used; their pixels are zeros.
        changes: how many files were changed, by the name of the change.
    """

    names: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    changes: Counter[str] = field(default_factory=Counter)


def decode_all(source: Source, target: Path, convert: Convert) -> DecodedFiles:
    """Decode every image of a source into one file of raw pixels.

    Args:
        source: the image files.
        target: receives uint8 [n, 32, 32, 3], in the order of the names returned.
        convert: decodes one file.
    """
    decoded = DecodedFiles()

    def tasks() -> Iterator[Any]:
        files = source.files()
        while chunk := list(itertools.islice(files, CHUNK)):
            yield joblib.delayed(_decode_chunk)(chunk, target, len(decoded.names), convert)
            decoded.names.extend(name for name, _ in chunk)

    target.touch()
    # Threads would wait for the interpreter lock. A bounded number of tasks is read ahead.
    pool = joblib.Parallel(n_jobs=joblib.cpu_count(), pre_dispatch="4*n_jobs", return_as="generator")
    with progress_bar() as progress:
        description = f"decoding {source.location}, {CHUNK} images a step"
        for problems, changes in progress.track(pool(tasks()), description=description):
            decoded.problems.extend(problems)
            decoded.changes.update(changes)
    return decoded


def refuse(source: Source, problems: list[Problem], total: int) -> None:
    """Raise a DataError that names the first ten problems; do nothing if there are none."""
    if problems:
        lines = "".join(f"\n  {in_message(name)}: {reason}" for name, reason in problems[:10])
        more = f"\n  and {len(problems) - 10:,} more" if len(problems) > 10 else ""
        raise DataError(
            f"{source.location}: {len(problems):,} problem(s) in {total:,} image files; "
            f"mend or remove what is named (nothing was cached){lines}{more}"
        )


def _decode_chunk(
    chunk: list[tuple[str, bytes]], target: Path, start: int, convert: Convert
) -> tuple[list[Problem], Counter[str]]:
    problems: list[Problem] = []
    changes: Counter[str] = Counter()
    pixels = bytearray()
    for name, data in chunk:
        try:
            image, done = convert(data)
            pixels += image
            changes.update(done)
        except ValueError as error:
            problems.append((name, str(error)))
            pixels += bytes(IMAGE_BYTES)
    with target.open("r+b") as stream:  # other processes write other chunks at the same time
        stream.seek(start * IMAGE_BYTES)
        stream.write(pixels)
    return problems, changes


def read_pixels(path: Path) -> np.ndarray:
    """Memory-map a file written by ``decode_all``: uint8 [n, 32, 32, 3]."""
    return np.memmap(path, dtype=np.uint8, mode="r").reshape(-1, IMAGE_SIDE, IMAGE_SIDE, 3)
