"""Training `base` on real images: our feeding against arrays in memory and against JPEG pipelines."""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from PIL import Image

from benchmarks.measure import in_turn, show
from cifake.config import Settings, load
from cifake.contract import LABELS
from cifake.data import Dataset, Part
from cifake.data import load as load_data
from cifake.models import build_model
from cifake.training.batches import Batches, feed
from cifake.training.compile import compile_model

IMAGES = 12_800  # a whole number of batches of 32 and of 256
WARM_UP = 20  # batches: tracing and the first touch of the data are not counted


def rate(settings: Settings, warm_up: tuple, data: tuple, **arguments: Any) -> Callable[[], float]:
    """A measurement of one epoch of ``fit`` on (x) or (x, y), in images a second."""
    model = build_model(settings)
    compile_model(model, settings)
    model.fit(*warm_up, verbose=0, **arguments)

    def measure() -> float:
        start = time.perf_counter()
        model.fit(*data, verbose=0, **arguments)
        return IMAGES / (time.perf_counter() - start)

    return measure


def first_images(data: Dataset) -> Part:
    part = data.train
    return Part(*(column[:IMAGES] for column in (part.images, part.labels, part.objects, part.paths)))


def write_files(part: Part, root: Path) -> None:
    """JPEG files of quality 75, as CIFAKE's, in a folder for each class."""
    for label in LABELS:
        (root / label).mkdir()
    for number, (image, label) in enumerate(zip(part.images, part.labels, strict=True)):
        Image.fromarray(image).save(root / LABELS[label] / f"{number}.jpg", quality=75)


def contenders(part: Part, root: Path, batch_size: int) -> dict[str, Callable[[], float]]:
    """One model and one feeding each; all models are the same and compiled alike."""
    base = load("experiments/base.yaml", {"batch_size": batch_size})
    affine = load("experiments/affine.yaml", {"batch_size": batch_size})

    def generator(**augmentation: Any) -> Any:
        return ImageDataGenerator(**augmentation).flow_from_directory(
            root, target_size=(32, 32), classes=list(LABELS), class_mode="binary", batch_size=batch_size
        )

    published = {
        "rotation_range": 40, "width_shift_range": 0.2, "height_shift_range": 0.2, "shear_range": 0.2,
        "zoom_range": 0.2,
    }  # fmt: skip
    ours, warm = (Batches(part, batch_size, steps, seed=0) for steps in (None, WARM_UP))
    images, labels = np.array(part.images), part.labels.astype("float32")
    few = slice(0, WARM_UP * batch_size)
    directory = keras.utils.image_dataset_from_directory(
        root, class_names=list(LABELS), label_mode="binary", batch_size=batch_size, image_size=(32, 32),
        verbose=False,
    )  # fmt: skip
    return {
        "ours": rate(base, (feed(warm),), (feed(ours),)),
        "arrays in memory": rate(base, (images[few], labels[few]), (images, labels), batch_size=batch_size),
        "image_dataset_from_directory": rate(base, (directory.take(WARM_UP),), (directory,)),
        "ImageDataGenerator": rate(base, (generator(),), (generator(),)),
        "ours, augmenting": rate(affine, (feed(warm),), (feed(ours),)),
        "ImageDataGenerator, augmenting": rate(base, (generator(**published),), (generator(**published),)),
    }


def main() -> None:
    part = first_images(load_data("cifake"))
    with tempfile.TemporaryDirectory() as folder:
        write_files(part, Path(folder))
        for batch_size in (32, 256):
            show(
                f"fit of base, one epoch of {IMAGES:,} images, batch size {batch_size}",
                "images/s",
                in_turn(contenders(part, Path(folder), batch_size)),
                {
                    ("ours", "arrays in memory"): "at least 0.95",
                    ("ours", "image_dataset_from_directory"): "at least 1.4",
                    ("ours", "ImageDataGenerator"): "at least 1.9",
                    ("ours, augmenting", "ImageDataGenerator, augmenting"): "at least 3.5",
                },
            )


if __name__ == "__main__":
    main()
