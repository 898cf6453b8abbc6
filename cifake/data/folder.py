"""Images of any folder, without labels."""

import logging
from pathlib import Path

import numpy as np

from cifake.core.errors import DataError
from cifake.data.decode import open_image
from cifake.data.image_files import Folder
from cifake.data.image_names import as_text

logger = logging.getLogger(__name__)


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
    files = Folder(str(folder))
    for name, data in files.files():
        try:
            pixels.append(np.asarray(open_image(data)))
        except ValueError as error:
            raise DataError(f"{folder / name}: {error}; mend or remove it") from None
        names.append(as_text(name))
    if files.skipped.count:
        logger.warning("%s: %s", folder, files.skipped)
    if not names:
        raise DataError(f"images: there is no image in {folder} or below it")
    return np.stack(pixels), np.array(names)
