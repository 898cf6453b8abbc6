"""Images of any folder, without labels."""

import logging
from collections import Counter
from pathlib import Path

import numpy as np

from cifake.contract import IMAGE_SIDE
from cifake.core.errors import DataError
from cifake.data.image_files import Folder
from cifake.data.image_names import as_text
from cifake.data.prepare import to_pixels

logger = logging.getLogger(__name__)


def read_folder(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """All images in a folder and in those below it.

    Returns:
        Pixels, uint8 [n, 32, 32, 3], prepared as for a prediction, and paths relative to the folder, str [n],
        in the order of ``Folder``.

    Raises:
        DataError: no such folder, no image in it, or a file that cannot be used.
    """
    if not folder.is_dir():
        raise DataError(f"images: expected a folder of images, there is no folder {folder}")
    pixels, names = [], []
    changes: Counter[str] = Counter()
    files = Folder(str(folder))
    for name, data in files.files():
        try:
            image, done = to_pixels(data, encode=True)
        except ValueError as error:
            raise DataError(f"{folder / name}: {error}; mend or remove it") from None
        pixels.append(np.frombuffer(image, np.uint8).reshape(IMAGE_SIDE, IMAGE_SIDE, 3))
        names.append(as_text(name))
        changes.update(done)
    if files.skipped.count:
        logger.warning("%s: %s", folder, files.skipped)
    if changes:
        logger.warning(
            "%s: %s", folder, ", ".join(f"{count:,} {change}" for change, count in changes.items())
        )
    if not names:
        raise DataError(f"images: there is no image in {folder} or below it")
    return np.stack(pixels), np.array(names)
