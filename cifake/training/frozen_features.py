"""Run a frozen backbone once per image instead of once per image and epoch."""

import dataclasses
import hashlib
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np

from cifake.config import Settings, TransferSettings
from cifake.core.cache_directory import cache_directory
from cifake.core.files import exclusive, written_aside
from cifake.core.processes import in_order
from cifake.data import Dataset, Part
from cifake.models.transfer import FEATURES

FORMAT = "1"  # part of every key: increment it when the stored values change
BATCH = 100
AT_ONCE = 2  # batches: a backbone's many small layers leave cores idle; more than two gain nothing
logger = logging.getLogger(__name__)


def is_fixed(settings: Settings) -> bool:
    """Whether the features that the head gets are a fixed function of the image."""
    return (
        isinstance(settings.model, TransferSettings)
        and settings.model.trainable_layers == 0
        and not settings.adversarial
        and not settings.augmentation.is_on
    )


def on_features(model: keras.Model, data: Dataset, settings: Settings) -> tuple[keras.Model, Dataset]:
    """The head of a model with a frozen backbone (see ``is_fixed``), and the data as its inputs.

    Returns:
        A model from float32 [n, d] to the probability of FAKE, which shares the layers of the given one, and
        the data with training and validation images replaced by their float32 [n, d] features, mapped from
        disk. The test part is not read.
    """
    extractor = keras.Model(model.input, model.get_layer(FEATURES).output)
    folder = cache_directory() / "features" / _key(extractor, data, settings)
    folder.mkdir(parents=True, exist_ok=True)
    parts = {}
    for name in ("train", "validation"):
        part = getattr(data, name)
        file = folder / f"{name}-{len(part)}.npy"
        with exclusive(file):
            if not file.exists():
                logger.info("computing the features of %s %s images", f"{len(part):,}", name)
                _extract(extractor, part, file)
        parts[name] = dataclasses.replace(part, images=np.load(file, mmap_mode="r"))
    head = keras.Model(model.get_layer(FEATURES).output, model.output, name="head")
    return head, dataclasses.replace(data, **parts)


def _key(extractor: keras.Model, data: Dataset, settings: Settings) -> str:
    """Hash of all that decides features: weights, with the preprocessing's, size, precision and pixels."""
    metadata = (
        FORMAT, keras.__version__, keras.backend.backend(),
        settings.model.model_dump(include={"backbone", "image_size"}), settings.precision, data.digest,
    )  # fmt: skip
    digest = hashlib.sha256(repr(metadata).encode())
    for weights in extractor.get_weights():
        digest.update(np.ascontiguousarray(weights).data)
    return digest.hexdigest()[:20]


def _extract(extractor: keras.Model, part: Part, file: Path) -> None:
    shape = (len(part), extractor.output.shape[-1])

    def extract(start: int) -> np.ndarray:
        images = part.images[start : start + BATCH]
        batch = np.zeros((BATCH, *images.shape[1:]), images.dtype)
        batch[: len(images)] = images  # always the same size: tracing another takes seconds
        features: np.ndarray = extractor.predict_on_batch(batch)
        return features[: len(images)]

    at_once = AT_ONCE if keras.backend.backend() == "tensorflow" else 1  # other backends are for one thread
    # Not by a memory map, which kills the process on a full disk.
    with (
        written_aside(file) as unfinished,
        unfinished.open("wb") as stream,
        ThreadPoolExecutor(at_once) as pool,
    ):
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        extractor.make_predict_function()  # here, not by all threads at once
        for block in in_order(pool, extract, range(0, len(part), BATCH), ahead=2 * AT_ONCE):
            stream.write(block.astype("<f4").tobytes())
