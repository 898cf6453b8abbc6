"""Convert image files of any kind to the pixels that models take."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

from cifake.contract import IMAGE_SIDE
from cifake.data.decode import IMAGE_BYTES, plain_jpeg, read_image, upright
from cifake.data.image_files import Listed
from cifake.data.image_names import as_text

MOST_PIXELS = 89_478_485  # above it Pillow warns of a decompression bomb; 256 MiB as RGB


@dataclass(frozen=True)
class Task:
    """A batch of image files for a worker process.

    Attributes:
        names: of n files.
        source: reads them; None if their contents are given.
        contents: of the n files, if there is no source.
    """

    names: Sequence[str]
    source: Listed | None
    contents: Sequence[bytes] = ()


@dataclass(frozen=True)
class Decoded:
    """Images in the form that models take.

    Attributes:
        names: n file names as text.
        pixels: uint8 [n, 32, 32, 3]; zeros where there is an error.
        errors: why a file cannot be used; None if it can.
        notes: the changes to an image, separated by semicolons; None if there are none.
    """

    names: list[str]
    pixels: np.ndarray
    errors: list[str | None]
    notes: list[str | None]


def decode(task: Task) -> Decoded:
    """Read and decode the files of a task; a file that cannot be used becomes an error in its place."""
    names = [as_text(name) for name in task.names]
    pixels = bytearray()
    errors: list[str | None] = []
    notes: list[str | None] = []
    for place, name in enumerate(task.names):
        done = [] if names[place] == name else ["name is not UTF-8"]
        error = None
        try:
            data = task.source.read(name) if task.source else task.contents[place]
            if not (plain := plain_jpeg(data)):
                image, changes = prepare(data)
                plain, done = image.tobytes(), done + changes
            pixels += plain
        except Exception as reason:  # noqa: BLE001, Pillow's decoders raise nearly anything on broken files
            error = _one_line(reason)
            pixels += bytes(IMAGE_BYTES)
        errors.append(error)
        notes.append("; ".join(done) or None)
    images = np.frombuffer(pixels, np.uint8).reshape(-1, IMAGE_SIDE, IMAGE_SIDE, 3)
    return Decoded(names, images, errors, notes)


def prepare(data: bytes) -> tuple[Image.Image, list[str]]:
    """Convert an image file to RGB of 32 x 32 pixels.

    An image of that form is left unchanged. Others become: the first frame, rotated by its EXIF orientation,
    transparent parts on white, as RGB; then the largest central square, resized with Pillow's antialiased
    bilinear filter.

    Returns:
        The image, and the names of the changes.

    Raises:
        ValueError: empty, too large, damaged or not an image.
    """
    image = read_image(data, _check_size)
    done = []
    if getattr(image, "is_animated", False) and image.format != "MPO":  # an MPO's others are previews
        done.append("first of several frames")
    if (turned := upright(image)) is not image:
        image = turned
        done.append("turned as EXIF says")
    if image.mode != "RGB" or "transparency" in image.info:
        image, change = _to_rgb(image)
        done.append(change)
    if image.size != (IMAGE_SIDE, IMAGE_SIDE):
        done += ["resized"] if image.width == image.height else ["cropped to a square", "resized"]
        image = ImageOps.fit(image, (IMAGE_SIDE, IMAGE_SIDE), Image.Resampling.BILINEAR)
    return image, done


def _to_rgb(image: Image.Image) -> tuple[Image.Image, str]:
    if image.has_transparency_data:
        layers = image.convert("RGBA")
        white = Image.new("RGBA", layers.size, "white")
        return Image.alpha_composite(white, layers).convert("RGB"), "transparency on white"
    change = f"{image.mode} to RGB"
    if image.mode == "F":
        raise ValueError("expected whole numbers, received an image of floating-point numbers")
    if image.mode.startswith("I"):  # the higher 8 of 16 bits, as for 16-bit RGB; Pillow would clip at 255
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise ValueError("expected 8 or 16 bits a channel, received more")
        image = Image.fromarray((values >> 8).astype(np.uint8))
    return image.convert("RGB"), change


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise ValueError(
            f"expected at most {MOST_PIXELS:,} pixels, received {image.width:,} x {image.height:,}"
        )


def _one_line(reason: Exception) -> str:
    if isinstance(reason, OSError) and reason.strerror:
        return f"cannot be read ({reason.strerror})"
    text = " ".join(str(reason).split()) or type(reason).__name__
    return text if isinstance(reason, ValueError) else f"damaged image ({text})"
