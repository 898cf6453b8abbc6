"""From image files to pixels, on all cores."""

import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import simplejpeg
from PIL import Image, UnidentifiedImageError

from cifake.contract import IMAGE_SIDE
from cifake.core.errors import DataError
from cifake.core.progress import progress_bar
from cifake.data.sources import Source

IMAGE_BYTES = IMAGE_SIDE * IMAGE_SIDE * 3
CHUNK = 512  # files a task: large enough to hide the cost of passing it to a process
JPEG_START = b"\xff\xd8"
EXIF_START = b"Exif\0\0"
Problem = tuple[str, str]  # a file's name, and why it cannot be used


def plain_jpeg(data: bytes) -> bytes | None:
    """The pixels of a file that is as those of CIFAKE: a sound JPEG in colour, of 32 x 32 pixels.

    libjpeg-turbo as Pillow calls it, and so the same pixels, without what Pillow does around it: for images
    this small that is four fifths of the time.

    Returns:
        uint8 [32, 32, 3] as bytes; None for all other files, which Pillow has to judge.
    """
    if EXIF_START in data:  # it may say that the image is to be turned
        return None
    try:
        height, width, colors, _ = simplejpeg.decode_jpeg_header(data)
        if (height, width, colors) != (IMAGE_SIDE, IMAGE_SIDE, "YCbCr"):
            return None
        return bytes(simplejpeg.decode_jpeg(data, "RGB"))
    except ValueError:  # damaged; Pillow tolerates some of that
        return None


def open_image(data: bytes) -> Image.Image:
    """One image file of the data set, checked and fully read.

    Raises:
        ValueError: empty, truncated or not an image, another size, not plain RGB.
    """
    return read_image(data, _check_plain)


def read_image(data: bytes, check: Callable[[Image.Image], None]) -> Image.Image:
    """One image file, fully read.

    Args:
        data: the file.
        check: is called before the pixels are decoded; raises ValueError for what is not wanted.

    Raises:
        ValueError: empty, truncated or not an image; what ``check`` raises.
    """
    if not data:
        raise ValueError("empty file")
    # Naming the format spares a sixth of the time of an image this small.
    formats = ("JPEG",) if data.startswith(JPEG_START) else None
    try:
        image = Image.open(io.BytesIO(data), formats=formats)
        check(image)
        image.load()
    except UnidentifiedImageError:
        raise ValueError("not an image") from None
    except (OSError, SyntaxError) as error:  # what Pillow's decoders raise on broken files
        raise ValueError(f"damaged image ({error})") from None
    return image


def _check_plain(image: Image.Image) -> None:
    if image.size != (IMAGE_SIDE, IMAGE_SIDE):
        raise ValueError(f"expected {IMAGE_SIDE}x{IMAGE_SIDE} pixels, received {image.width}x{image.height}")
    if image.mode != "RGB":
        raise ValueError(f"expected an RGB image, received mode {image.mode}")


def decode_all(source: Source, target: Path) -> tuple[list[str], list[Problem]]:
    """Decode every image of a source into one file of raw pixels.

    Args:
        source: what to read.
        target: receives uint8 [n, 32, 32, 3], in the order of the names returned.

    Returns:
        The names of all files, and those that cannot be used (their pixels are zeros).
    """
    names: list[str] = []

    def tasks() -> Iterator[Any]:
        for chunk in _chunks(source.files()):
            yield joblib.delayed(_decode_chunk)(chunk, target, len(names))
            names.extend(name for name, _ in chunk)

    target.touch()
    problems: list[Problem] = []
    # Threads would wait for the interpreter lock, above all where Pillow decodes.
    # What is read ahead of the processes is bounded.
    decoded = joblib.Parallel(n_jobs=joblib.cpu_count(), pre_dispatch="4*n_jobs", return_as="generator")(
        tasks()
    )
    with progress_bar() as progress:
        for found in progress.track(
            decoded, description=f"decoding {source.location}, {CHUNK} images a step"
        ):
            problems += found
    return names, problems


def refuse(source: Source, problems: list[Problem], total: int) -> None:
    """Raise a DataError that names the first ten problems, if there are any."""
    if problems:
        lines = "".join(f"\n  {name}: {reason}" for name, reason in problems[:10])
        more = f"\n  and {len(problems) - 10:,} more" if len(problems) > 10 else ""
        raise DataError(
            f"{source.location}: {len(problems):,} problem(s) in {total:,} image files; "
            f"mend or remove what is named (nothing was cached){lines}{more}"
        )


def _decode_chunk(chunk: list[tuple[str, bytes]], target: Path, start: int) -> list[Problem]:
    problems: list[Problem] = []
    pixels = bytearray()
    for name, data in chunk:
        try:
            pixels += plain_jpeg(data) or open_image(data).tobytes()
        except ValueError as error:
            problems.append((name, str(error)))
            pixels += bytes(IMAGE_BYTES)
    with target.open("r+b") as stream:  # other processes write other places of it at the same time
        stream.seek(start * IMAGE_BYTES)
        stream.write(pixels)
    return problems


def read_pixels(path: Path) -> np.ndarray:
    """Map a file written by ``decode_all``: uint8 [n, 32, 32, 3]."""
    return np.memmap(path, dtype=np.uint8, mode="r").reshape(-1, IMAGE_SIDE, IMAGE_SIDE, 3)


def _chunks(files: Iterator[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    while chunk := list(itertools.islice(files, CHUNK)):
        yield chunk
