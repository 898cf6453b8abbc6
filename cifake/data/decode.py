"""Decode image files into pixels, on all cores."""

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
CHUNK = 512  # files a task: enough to hide the cost of passing it to a process
JPEG_START = b"\xff\xd8"
EXIF_START = b"Exif\0\0"
Problem = tuple[str, str]  # a file's name, and why it cannot be used


def plain_jpeg(data: bytes) -> bytes | None:
    """Decode a valid colour JPEG of 32 x 32 pixels, the format of CIFAKE, without Pillow.

    Pillow, too, calls libjpeg-turbo, so pixels are the same, but at this size its overhead is four fifths of
    the time.

    Returns:
        uint8 [32, 32, 3] as bytes; None for all other files, which are left to Pillow.
    """
    if EXIF_START in data:  # it may hold an orientation
        return None
    try:
        height, width, colors, _ = simplejpeg.decode_jpeg_header(data)
        if (height, width, colors) != (IMAGE_SIDE, IMAGE_SIDE, "YCbCr"):
            return None
        return bytes(simplejpeg.decode_jpeg(data, "RGB"))
    except ValueError:  # damaged; Pillow tolerates some of that
        return None


def open_image(data: bytes) -> Image.Image:
    """Decode an image file of the data set.

    Raises:
        ValueError: empty, truncated or not an image, another size, not plain RGB.
    """
    return read_image(data, _check_plain)


def read_image(data: bytes, check: Callable[[Image.Image], None]) -> Image.Image:
    """Decode an image file.

    Args:
        data: the contents of the file.
        check: called before the pixels are decoded; raises ValueError to refuse an image.

    Raises:
        ValueError: empty, truncated or not an image; what ``check`` raises.
    """
    if not data:
        raise ValueError("empty file")
    # With the format given, an image this small takes a sixth less time.
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
        source: the image files.
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
    # Threads would wait for the interpreter lock. A bounded number of tasks is read ahead.
    decoded = joblib.Parallel(n_jobs=joblib.cpu_count(), pre_dispatch="4*n_jobs", return_as="generator")(
        tasks()
    )
    with progress_bar() as progress:
        for chunk_problems in progress.track(
            decoded, description=f"decoding {source.location}, {CHUNK} images a step"
        ):
            problems += chunk_problems
    return names, problems


def refuse(source: Source, problems: list[Problem], total: int) -> None:
    """Raise a DataError that names the first ten problems; do nothing if there are none."""
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
    with target.open("r+b") as stream:  # other processes write other chunks at the same time
        stream.seek(start * IMAGE_BYTES)
        stream.write(pixels)
    return problems


def read_pixels(path: Path) -> np.ndarray:
    """Memory-map a file written by ``decode_all``: uint8 [n, 32, 32, 3]."""
    return np.memmap(path, dtype=np.uint8, mode="r").reshape(-1, IMAGE_SIDE, IMAGE_SIDE, 3)


def _chunks(files: Iterator[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    while chunk := list(itertools.islice(files, CHUNK)):
        yield chunk
