"""Images of any folder, without labels."""

from pathlib import Path

import numpy as np

from cifake.core.errors import DataError
from cifake.data.decode import open_image
from cifake.data.image_files import Folder


def read_folder(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """All images in a folder and in those below it.

    Returns:
        Pixels, uint8 [n, 32, 32, 3], and paths relative to the folder, str [n], in the order of ``Folder``.

    Raises:
        DataError: no such folder, no image in it, or a file that is not a 32x32 RGB image.
    """
    if not folder.is_dir():
        raise DataError(f"images: expected a folder of images, there is no folder {folder}")
    pixels, names = [], []
    for name, data in Folder(str(folder)).files():
        try:
            pixels.append(np.asarray(open_image(data)))
        except ValueError as error:
            raise DataError(f"{folder / name}: {error}; mend or remove it") from None
        names.append(name)
    if not names:
        raise DataError(f"images: there is no image in {folder} or below it")
    return np.stack(pixels), np.array(names)
