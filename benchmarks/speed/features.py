"""`resnet50` with its backbone run once an image, against running it in every epoch.

Images are 32 pixels wide, as published, and 64; less is measured by
`python -m benchmarks.speed.features 64 --rounds 1`.
"""

import argparse
import dataclasses
import functools
import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

from benchmarks.measure import in_turn, show
from cifake.config import load
from cifake.data import Dataset, Part
from cifake.data import load as load_data
from cifake.models import build_model
from cifake.training import fit

TRAIN, VALIDATION = 5_000, 1_250


def first_images(data: Dataset) -> Dataset:
    def first(part: Part, count: int) -> Part:
        return Part(part.images[:count], part.labels[:count], part.objects[:count], part.paths[:count])

    return dataclasses.replace(
        data, train=first(data.train, TRAIN), validation=first(data.validation, VALIDATION)
    )


def seconds(data: Dataset, image_size: int, cache_features: bool) -> float:
    """One whole `fit` of 20 epochs on random weights, with its tracing and, cached, its features."""
    settings = load("experiments/resnet50.yaml", {"model.weights": "none", "model.image_size": image_size})
    keras.utils.set_random_seed(settings.seed)
    model = build_model(settings)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CIFAKE_CACHE"] = folder  # nothing is left of the round before
        start = time.perf_counter()
        fit(model, data, settings, lambda *_: None, cache_features=cache_features)
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.features")
    parser.add_argument("sizes", nargs="*", type=int, default=[32, 64])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    data = first_images(load_data("cifake"))
    for image_size in given.sizes:
        contenders = {
            "backbone once": functools.partial(seconds, data, image_size, True),
            "backbone in every epoch": functools.partial(seconds, data, image_size, False),
        }
        show(
            f"resnet50, 20 epochs of {TRAIN:,} training and {VALIDATION:,} validation images, "
            f"{image_size} pixels",
            "seconds",
            in_turn(contenders, rounds=given.rounds),
            {("backbone in every epoch", "backbone once"): "at least 15"},
        )


if __name__ == "__main__":
    main()
