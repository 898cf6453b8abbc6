"""Decode batches of image files in a worker process."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cifake.contract import IMAGE_SIDE
from cifake.data.decode import IMAGE_BYTES
from cifake.data.image_files import Listed
from cifake.data.image_names import as_text
from cifake.data.prepare import to_pixels


@dataclass(frozen=True)
class Task:
    """A batch of image files for a worker process.

    Attributes:
        names: of n files.
        source: reads them; None if their contents are given.
        contents: of the n files, if there is no source.
        encode: see ``prepare``.
    """

    names: Sequence[str]
    source: Listed | None
    contents: Sequence[bytes] = ()
    encode: bool = True


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
            image, changes = to_pixels(data, task.encode)
            pixels += image
            done += changes
        except Exception as reason:  # noqa: BLE001, Pillow's decoders raise nearly anything on broken files
            error = _one_line(reason)
            pixels += bytes(IMAGE_BYTES)
        errors.append(error)
        notes.append("; ".join(done) or None)
    images = np.frombuffer(pixels, np.uint8).reshape(-1, IMAGE_SIDE, IMAGE_SIDE, 3)
    return Decoded(names, images, errors, notes)


def _one_line(reason: Exception) -> str:
    if isinstance(reason, OSError) and reason.strerror:
        return f"cannot be read ({reason.strerror})"
    text = " ".join(str(reason).split()) or type(reason).__name__
    return text if isinstance(reason, ValueError) else f"damaged image ({text})"
