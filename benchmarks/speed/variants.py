"""What variants cost: operations, parameters, speed of `fit`, and its share of what the processor can do.

The bound is the time of the model's own convolutions, each measured alone: forward and both gradients.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import contextlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import keras
import tensorflow as tf

from benchmarks.measure import in_turn, show
from cifake.config import Settings, load
from cifake.data import Part
from cifake.data import load as load_data
from cifake.models import build_model
from cifake.training.batches import Batches, feed
from cifake.training.compile import STEPS_PER_EXECUTION, compile_model
from cifake.training.fused_normalisation import fused_normalisation
from cifake.training.transforms import transform_of

Normalisation = Callable[[keras.Model], contextlib.AbstractContextManager[None]]
SECONDS = 3.0  # of fit and of each convolution, about
PASSES = 3  # forward, and the gradients of the weights and of the input: as many operations each


def convolutions(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """All layers that convolve or multiply by a matrix, nested models' included."""
    for layer in model._flatten_layers(include_self=False, recursive=True):
        if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D | keras.layers.Dense):
            yield layer


def operations(layer: keras.layers.Layer) -> int:
    """Multiplications and additions of one image's forward pass."""
    kernel = layer.kernel.shape
    if isinstance(layer, keras.layers.Dense):
        return 2 * kernel[0] * kernel[1]
    height, width, channels = layer.output.shape[1:]
    inputs = 1 if isinstance(layer, keras.layers.DepthwiseConv2D) else kernel[2]
    return 2 * height * width * channels * kernel[0] * kernel[1] * inputs


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
        layers = list(convolutions(model))
        total = sum(map(operations, layers))
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
