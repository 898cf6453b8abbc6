"""What variants cost: operations, parameters, speed of `fit`, and its share of what the processor can do.

The bound is the time of the model's own convolutions, each measured alone: forward and both gradients.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import contextlib
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial

import keras
import tensorflow as tf

from benchmarks.measure import in_turn, show
from cifake.config import Settings, load
from cifake.data import Part
from cifake.data import load as load_data
from cifake.models import build_model
from cifake.models.operations import count_operations, operations_by_layer
from cifake.training.batches import Batches, feed
from cifake.training.compile import STEPS_PER_EXECUTION, compile_model
from cifake.training.fused_normalisation import fused_normalisation
from cifake.training.transforms import transform_of

Normalisation = Callable[[keras.Model], contextlib.AbstractContextManager[None]]
SECONDS = 3.0  # of fit and of each convolution, about
PASSES = 3  # forward, and the gradients of the weights and of the input: as many operations each


def seconds_alone(layer: keras.layers.Conv2D, batch_size: int) -> float:
    """Of one convolution and its two gradients on a batch, in the precision of the layer."""
    dtype = layer.compute_dtype
    images = tf.cast(tf.random.normal((batch_size, *layer.input.shape[1:])), dtype)
    kernel = tf.cast(layer.kernel.value, dtype)

    @tf.function
    def step(x: tf.Tensor, weights: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch([x, weights])
            y = tf.nn.conv2d(x, weights, layer.strides, layer.padding.upper())
        return tape.gradient(y, [x, weights], tf.ones_like(y))

    step(images, kernel)
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS / 10:
        step(images, kernel)
        count += 1
    return (time.perf_counter() - start) / count


def fit_of(settings: Settings, train: Part, normalisation: Normalisation) -> Callable[[], float]:
    """A measurement of ``fit``, in images a second."""
    model = build_model(settings)
    compile_model(model, settings)

    def measure_steps(steps: int) -> float:
        batches = Batches(train, settings.batch_size, steps, settings.seed, transform_of(settings))
        with normalisation(model):
            start = time.perf_counter()
            model.fit(feed(batches), verbose=0)
        return steps * settings.batch_size / (time.perf_counter() - start)

    measure_steps(STEPS_PER_EXECUTION)
    steps = round(SECONDS * measure_steps(STEPS_PER_EXECUTION) / settings.batch_size)
    steps = STEPS_PER_EXECUTION * max(1, round(steps / STEPS_PER_EXECUTION))
    return partial(measure_steps, steps)


def main(variants: list[str]) -> None:
    train = load_data("cifake").train
    for variant in variants:
        settings = load(f"experiments/{variant}.yaml", {})
        model = build_model(settings)
        layers = [layer for layer, _ in operations_by_layer(model)]
        total = count_operations(model)
        print(f"{variant}: {total:,} operations an image, {model.count_params():,} parameters")
        contenders = {
            "fit": fit_of(settings, train, fused_normalisation),
            "fit, Keras' normalisation": fit_of(settings, train, contextlib.nullcontext),
        }
        ours = [layer for layer in layers if type(layer) is keras.layers.Conv2D]
        contenders["its convolutions alone"] = lambda batch=settings.batch_size, ours=ours: (
            batch / sum(seconds_alone(layer, batch) for layer in ours)
        )
        values = in_turn(contenders)
        show(
            f"{variant}, batches of {settings.batch_size}, {settings.precision}",
            "images/s",
            values,
            {
                ("fit", "fit, Keras' normalisation"): "above 1 with batch normalisation",
                ("fit", "its convolutions alone"): "at least 0.85",
            },
        )
        reached = PASSES * total * statistics.median(values["fit"])
        print(f"{reached / 1e9:,.0f} GFLOP/s in fit")


if __name__ == "__main__":
    main(sys.argv[1:] or ["base", "modern", "strong_scratch"])
