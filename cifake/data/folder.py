"""Images of any folder, without labels."""

from pathlib import Path

import numpy as np

from cifake.core.errors import DataError
from cifake.data.decode import open_image
from cifake.data.sources import is_image_name


def read_folder(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """All images in a folder and in those below it.

    Returns:
        Pixels, uint8 [n, 32, 32, 3], and paths below the folder, str [n], sorted.

    Raises:
        DataError: no such folder, no image in it, or a file that is no 32x32 RGB image.
    """
    if not folder.is_dir():
        raise DataError(f"images: expected a folder of images, there is no folder {folder}")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and is_image_name(path.name))
    if not files:
        raise DataError(f"images: there is no image in {folder} or below it")
    pixels = []
    for file in files:
        try:
            pixels.append(np.asarray(open_image(file.read_bytes())))
        except (ValueError, OSError) as error:
            raise DataError(f"{file}: {error}; mend or remove it") from None
    return np.stack(pixels), np.array([file.relative_to(folder).as_posix() for file in files])
