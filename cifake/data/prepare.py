"""Convert image files of any kind to the pixels that models take."""

import io

import numpy as np
import simplejpeg
from PIL import Image, ImageOps

from cifake.contract import IMAGE_SIDE
from cifake.data.decode import pillow_errors, plain_jpeg, read_image, upright

MOST_PIXELS = 89_478_485  # above it Pillow warns of a decompression bomb; 256 MiB as RGB
ENCODED = "encoded as CIFAKE's JPEG"
CIFAKE_HEADER = (IMAGE_SIDE, IMAGE_SIDE, "YCbCr", "420")


def _encoded(image: Image.Image) -> bytes:
    """A JPEG file with the settings of every image of CIFAKE: quality 75, chroma halved both ways."""
    buffer = io.BytesIO()
    image.save(buffer, "jpeg", quality=75, subsampling="4:2:0")
    return buffer.getvalue()


def _quantisation_tables() -> bytes:
    data = _encoded(Image.new("RGB", (IMAGE_SIDE, IMAGE_SIDE)))
    start = data.index(b"\xff\xdb")
    return data[start : start + 138]  # two segments, for luminance and for chroma


CIFAKE_TABLES = _quantisation_tables()


def to_pixels(data: bytes, encode: bool) -> tuple[bytes, list[str]]:
    """The pixels of an image file, uint8 [32, 32, 3] as bytes, and the names of the changes to it.

    Args:
        data: the contents of the file.
        encode: whether an image that is not a JPEG of CIFAKE's form becomes one, see ``prepare``.

    Raises:
        ValueError: empty, too large, damaged or not an image.
    """
    if (not encode or is_cifake_jpeg(data)) and (plain := plain_jpeg(data)):
        return plain, []
    image, changes = prepare(data, encode)
    return image.tobytes(), changes


def is_cifake_jpeg(data: bytes) -> bool:
    """Whether a file is a JPEG of CIFAKE's size, colours and quantisation tables."""
    try:
        return CIFAKE_TABLES in data and simplejpeg.decode_jpeg_header(data) == CIFAKE_HEADER
    except ValueError:
        return False


def prepare(data: bytes, encode: bool = True) -> tuple[Image.Image, list[str]]:
    """Convert an image file to RGB of 32 x 32 pixels.

    A JPEG of CIFAKE's form is left unchanged. Others become: the first frame, rotated by its EXIF
    orientation, transparent parts on white, as RGB; then the largest central square, resized with Pillow's
    antialiased bilinear filter; then a JPEG with CIFAKE's settings, since a model of CIFAKE has never seen
    an image that was none.

    Args:
        data: the contents of the file.
        encode: False leaves the last step out.

    Returns:
        The image, and the names of the changes.

    Raises:
        ValueError: empty, too large, damaged or not an image.
    """
    image = read_image(data, check_size)
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
    if encode and (done or not is_cifake_jpeg(data)):
        done.append(ENCODED)
        image = Image.open(io.BytesIO(_encoded(image)))
    return image, done


def _to_rgb(image: Image.Image) -> tuple[Image.Image, str]:
    change = f"{image.mode} to RGB"
    if image.mode == "F":
        raise ValueError("expected whole numbers, received an image of floating-point numbers")
    if image.mode.startswith("I"):  # the higher 8 of 16 bits, as for 16-bit RGB; Pillow would clip at 255
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise ValueError("expected 8 or 16 bits a channel, received more")
        transparent = image.info.get("transparency")
        image = Image.fromarray((values >> 8).astype(np.uint8))
        if transparent is not None:
            image.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    with pillow_errors():
        if image.has_transparency_data:
            layers = image.convert("RGBA")
            white = Image.new("RGBA", layers.size, "white")
            return Image.alpha_composite(white, layers).convert("RGB"), "transparency on white"
        return image.convert("RGB"), change


def check_size(image: Image.Image) -> None:
    """Raise a ValueError for an image with more than MOST_PIXELS."""
    if image.width * image.height > MOST_PIXELS:
        raise ValueError(
            f"expected at most {MOST_PIXELS:,} pixels, received {image.width:,} x {image.height:,}"
        )
