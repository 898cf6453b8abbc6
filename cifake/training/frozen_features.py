"""Run a frozen backbone once an image instead of once an image and epoch."""

import dataclasses
import hashlib
import logging
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
import keras
import numpy as np

from cifake.config import Settings, TransferSettings
from cifake.core.cache_directory import cache_directory
from cifake.core.processes import in_order
from cifake.data import Dataset, Part
from cifake.models.transfer import FEATURES

FORMAT = "1"  # part of every key: raise it when what is stored changes
BATCH = 100
AT_ONCE = 2  # batches, since the many small layers of a backbone leave cores idle; more gain nothing
logger = logging.getLogger(__name__)


def is_fixed(settings: Settings) -> bool:
    """Whether all before the head is a fixed function of the image."""
    return (
        isinstance(settings.model, TransferSettings)
        and settings.model.trainable_layers == 0
        and not settings.adversarial
        and not any(settings.augmentation.model_dump().values())
    )


def on_features(model: keras.Model, data: Dataset, settings: Settings) -> tuple[keras.Model, Dataset]:
    """The head of a model, and the data as the head sees them.

    Args:
        model: with a frozen backbone; see ``is_fixed``. The head shares its layers, so
            training one trains the other.
        data: its test part is not touched.
        settings: decide, with the backbone's weights and the data, which features are cached.

    Returns:
        A model from float32 [n, d] to the probability of FAKE, and the data with training and
        validation images replaced by their float32 [n, d] features, mapped from disk.
    """
    extractor = keras.Model(model.input, model.get_layer(FEATURES).output)
    folder = cache_directory() / "features" / _key(extractor, data, settings)
    folder.mkdir(parents=True, exist_ok=True)
    parts = {}
    for name in ("train", "validation"):
        part = getattr(data, name)
        file = folder / f"{name}-{len(part)}.npy"
        with filelock.FileLock(file.with_suffix(".lock")):
            if not file.exists():
                logger.info("features of %s %s images, once", f"{len(part):,}", name)
                _extract(extractor, part, file)
        parts[name] = dataclasses.replace(part, images=np.load(file, mmap_mode="r"))
    return _head(model), dataclasses.replace(data, **parts)


def _key(extractor: keras.Model, data: Dataset, settings: Settings) -> str:
    """Whatever could change a feature: weights (the preprocessing's, too), size, precision, pixels."""
    about = (
        FORMAT, keras.__version__, keras.backend.backend(),
        settings.model.model_dump(include={"backbone", "image_size"}), settings.precision, data.digest,
    )  # fmt: skip
    digest = hashlib.sha256(repr(about).encode())
    for weights in extractor.get_weights():
        digest.update(np.ascontiguousarray(weights).data)
    return digest.hexdigest()[:20]


def _extract(extractor: keras.Model, part: Part, file: Path) -> None:
    """Write beside the final file, then rename: it is whole or not there."""
    unfinished = file.with_suffix(".unfinished")
    shape = (len(part), extractor.output.shape[-1])

    def features(start: int) -> np.ndarray:
        images = part.images[start : start + BATCH]
        batch = np.zeros((BATCH, *images.shape[1:]), images.dtype)
        batch[: len(images)] = images  # always of one size: another would have to be traced, for seconds
        found: np.ndarray = extractor.predict_on_batch(batch)
        return found[: len(images)]

    at_once = AT_ONCE if keras.backend.backend() == "tensorflow" else 1  # elsewhere a model is for one thread
    # No memory map: on a full disk it would end the process.
    with unfinished.open("wb") as stream, ThreadPoolExecutor(at_once) as pool:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        extractor.make_predict_function()  # by one thread, not by all at once
        for block in in_order(pool, features, range(0, len(part), BATCH), ahead=2 * AT_ONCE):
            stream.write(block.astype("<f4").tobytes())
    shutil.move(unfinished, file)


def _head(model: keras.Model) -> keras.Model:
    """The layers behind the features, called once more on features as input."""
    first = model.layers.index(model.get_layer(FEATURES)) + 1
    features = keras.Input(model.get_layer(FEATURES).output.shape[1:], name=FEATURES)
    x = features
    for layer in model.layers[first:]:
        x = layer(x)
    return keras.Model(features, x, name="head")
