"""Train batch normalisation by TensorFlow's fused kernel, which is several times faster than Keras.

Measured in benchmarks/speed/variants.py.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras
from keras import ops

VECTOR = 16  # numbers


@contextlib.contextmanager
def fused_normalisation(model: keras.Model) -> Iterator[None]:
    """Let a model's batch normalisation train by the fused kernel; without TensorFlow, nothing changes.

    Outputs, gradients and statistics are the same up to rounding. Inside, layers have another class;
    afterwards they are Keras' own again.
    """
    layers = [layer for layer in model._flatten_layers() if type(layer) is keras.layers.BatchNormalization]
    fused = _Fused if keras.backend.backend() == "tensorflow" else keras.layers.BatchNormalization
    try:
        for layer in layers:
            layer.__class__ = fused
        yield
    finally:
        for layer in layers:
            layer.__class__ = keras.layers.BatchNormalization


class _Fused(keras.layers.BatchNormalization):
    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        fits = len(inputs.shape) == 4 and self.axis in (-1, 3) and mask is None and not self.renorm
        if not (training and self.trainable and fits):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        channels = inputs.shape[-1:]
        # In bfloat16 it is slow where the channels do not fill vectors.
        images = inputs if channels[0] % VECTOR == 0 else ops.cast(inputs, "float32")
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=images,
            scale=self.gamma if self.scale else tf.ones(channels),
            offset=self.beta if self.center else tf.zeros(channels),
            mean=[],
            variance=[],
            epsilon=self.epsilon,
        )
        count = ops.cast(ops.size(inputs) / channels[0], "float32")
        variance *= (count - 1) / count  # the kernel returns that of a sample
        for variable, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            variable.assign(variable * self.momentum + value * (1 - self.momentum))
        return ops.cast(outputs, self.compute_dtype)
