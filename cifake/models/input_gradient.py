"""Gradients of the loss with respect to pixels, and attacks that follow them."""

from typing import Any

import keras
from keras import ops

from cifake.core.errors import RunError


def on_float(model: keras.Model, last: keras.layers.Layer | None = None) -> keras.Model:
    """The same layers, with their weights, on float32 [n, 32, 32, 3] of 0 to 255: integers have no gradient.

    ``last`` takes the place of the last layer.
    """

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        return last if last and layer is model.layers[-1] else layer

    pixels = keras.Input(model.input_shape[1:], dtype="float32", name="float_pixels")
    return keras.models.clone_model(model, input_tensors=pixels, clone_function=clone)


def logits_on_float(model: keras.Model) -> keras.Model:
    """As ``on_float``, but with the logit of FAKE, float32 [n, 1], instead of its probability.

    In float32 the sigmoid of a logit above 17 is 1.0 and has the gradient 0, so that attacks on the
    probability fail without need (gradient masking, Athalye et al. 2018).

    Raises:
        RunError: see ``logit_layer``.
    """
    return on_float(model, logit_layer(model))


def logit_layer(model: keras.Model) -> "Logit":
    """A layer that replaces a model's last one and gives the logit.

    Raises:
        RunError: the last layer is not a dense layer with a sigmoid.
    """
    last = model.layers[-1]
    activation = getattr(last, "activation", None)
    if not isinstance(last, keras.layers.Dense) or activation is not keras.activations.sigmoid:
        raise RunError(f"expected a model that ends in a dense layer with a sigmoid, received '{last.name}'")
    return Logit(last)


def uphill(logits: keras.Model, pixels: Any, signs: Any) -> Any:
    """The sign of the gradient of the loss with respect to pixels, inside a compiled function.

    The loss decreases with the margin, which is the logit for FAKE and its negative for REAL. So both
    gradients have opposite signs, and the margin's does not vanish where the model is certain.

    Args:
        logits: see ``logits_on_float``.
        pixels: float32 [n, 32, 32, 3].
        signs: float32 [n], 1 for FAKE and -1 for REAL.
    """

    def margin(pixels: Any) -> Any:
        return ops.sum(logits(pixels, training=False)[:, 0] * signs)

    if keras.backend.backend() == "jax":
        import jax

        return -ops.sign(jax.grad(margin)(pixels))
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(pixels)
        total = margin(pixels)
    return -ops.sign(tape.gradient(total, pixels))


def ascend(
    logits: keras.Model, start: Any, around: Any, signs: Any, epsilon: Any, step: Any, steps: Any
) -> Any:
    """Projected gradient ascent on the loss (Madry et al. 2018), inside a compiled function; see ``uphill``.

    It starts at ``start``, takes ``steps`` steps of size ``step``, and stays within epsilon of the images
    ``around``, and within 0 to 255. Pixels are float32 [n, 32, 32, 3]; sizes are in 1/255 of the range.
    """
    low, high = ops.maximum(around - epsilon, 0.0), ops.minimum(around + epsilon, 255.0)

    def climb(_: Any, pixels: Any) -> Any:
        return ops.clip(pixels + step * uphill(logits, pixels, signs), low, high)

    return ops.fori_loop(0, ops.cast(steps, "int32"), climb, ops.clip(start, low, high))


class Logit(keras.layers.Layer):
    """A dense layer without its activation, which shares that layer's weights."""

    def __init__(self, dense: keras.layers.Dense) -> None:
        super().__init__(dtype="float32", name="logit")
        self.dense = dense

    def call(self, features: keras.KerasTensor) -> keras.KerasTensor:
        return ops.matmul(features, self.dense.kernel) + self.dense.bias
