"""What feeding and each augmentation cost of the speed of `fit`, on real images."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measure import in_turn, show
from cifake.config import load
from cifake.data import Part
from cifake.data import load as load_data
from cifake.models import build_model
from cifake.training.batches import Batches, feed
from cifake.training.compile import compile_model
from cifake.training.fused_normalisation import fused_normalisation
from cifake.training.transforms import transform_of

IMAGES = {"base": 12_800, "strong_scratch": 3_840}  # whole numbers of batches; some five seconds each
NOTHING = {
    "augmentation": {
        "horizontal_flip": False, "crop": 0, "cutout": 0, "mixup": 0.0, "cutmix": 0.0,
        "noise": 0.0, "blur": 0.0, "jpeg": 0.0,
    },
    "label_smoothing": 0.0,
}  # fmt: skip
EACH: dict[str, dict[str, Any]] = {
    "flips": {"horizontal_flip": "alternating"},
    "crops": {"crop": 2},
    "cutout": {"cutout": 8},
    "mixup": {"mixup": 1.0},
    "CutMix": {"cutmix": 1.0},
    "noise": {"noise": 0.1},
    "blur": {"blur": 2.0},
    "JPEG": {"jpeg": 0.7},
}
TOGETHER = {"horizontal_flip": "alternating", "crop": 2, "cutout": 8, "cutmix": 1.0}


def rate(variant: str, augmentation: dict[str, Any], part: Part, in_memory: bool) -> Callable[[], float]:
    """A measurement of one epoch of ``fit``, in images a second."""
    overrides = {**NOTHING, "augmentation": {**NOTHING["augmentation"], **augmentation}}
    settings = load(f"experiments/{variant}.yaml", overrides)
    model = build_model(settings)
    compile_model(model, settings)
    if in_memory:
        data = np.array(part.images), part.labels.astype("float32")
        arguments = {"batch_size": settings.batch_size}
    else:
        batches = Batches(part, settings.batch_size, None, settings.seed, transform_of(settings))
        data, arguments = (feed(batches),), {"shuffle": False}

    def measure() -> float:
        start = time.perf_counter()
        with fused_normalisation(model):
            model.fit(*data, verbose=0, **arguments)
        return len(part) / (time.perf_counter() - start)

    measure()
    return measure


def main() -> None:
    train = load_data("cifake").train
    for variant, count in IMAGES.items():
        part = Part(*(column[:count] for column in (train.images, train.labels, train.objects, train.paths)))
        contenders = {"arrays in memory": rate(variant, {}, part, in_memory=True)}
        contenders |= {
            name: rate(variant, augmentation, part, in_memory=False)
            for name, augmentation in {"fed": {}, **EACH, "today's together": TOGETHER}.items()
        }
        claims = {("fed", "arrays in memory"): "at least 0.97"}
        claims |= {(name, "fed"): "at least 0.95" for name in EACH}
        claims |= {("today's together", "fed"): "at least 0.90"}
        show(f"fit of {variant}, one epoch of {count:,} images", "images/s", in_turn(contenders), claims)


if __name__ == "__main__":
    main()
