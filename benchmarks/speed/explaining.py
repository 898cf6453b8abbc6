"""Grad-CAM of `base` against a forward and backward pass of the same model, on real images."""

import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from benchmarks.measure import in_turn, show
from cifake.config import load
from cifake.data import load as load_data
from cifake.explain.gradcam import BATCH, GradCam, heat
from cifake.models import build_model, serving_model

IMAGES = {"base": 20_000, "hyperband_best": 1_000}


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """Seconds of a call, after a first one that traces its graph."""
    work()

    def measure() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return measure


def passes(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> Callable[[], None]:
    """A forward and a backward pass through all weights, in the same batches, and nothing with them."""

    @tf.function
    def step(pixels: tf.Tensor, truth: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            scores = model(pixels, training=False)
            loss = tf.reduce_mean(keras.losses.binary_crossentropy(truth, scores))
        gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
        # Their sums are asked for, since TensorFlow does not compute what nobody wants.
        return tf.add_n([tf.reduce_sum(gradient) for gradient in gradients])

    def work() -> None:
        for start in range(0, len(images), BATCH):
            step(images[start : start + BATCH], labels[start : start + BATCH, None]).numpy()

    return work


def main() -> None:
    test = load_data("cifake").test
    for variant, count in IMAGES.items():
        settings = load(f"experiments/{variant}.yaml")
        model = serving_model(build_model(settings), settings)
        images, labels = np.asarray(test.images[:count]), test.labels[:count].astype("float32")
        cam = GradCam(model)

        def explain(cam: GradCam = cam, images: np.ndarray = images) -> None:
            heat(*cam(images))

        values = in_turn(
            {"Grad-CAM": timed(explain), "forward and backward": timed(passes(model, images, labels))}
        )
        wanted = {("Grad-CAM", "forward and backward"): "at most 3"}
        show(f"{variant}, {count:,} test images", "seconds", values, wanted)


if __name__ == "__main__":
    main()
