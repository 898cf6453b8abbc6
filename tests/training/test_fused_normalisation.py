import keras
import numpy as np
import pytest
import tensorflow as tf

from cifake.training.fused_normalisation import fused_normalisation


def _results(
    layer: keras.layers.BatchNormalization, model: keras.Model, images: np.ndarray
) -> list[np.ndarray]:
    """Outputs, gradients and statistics of a step."""
    layer.moving_mean.assign(np.zeros(3))
    layer.moving_variance.assign(np.ones(3))
    with tf.GradientTape() as tape:
        x = tf.constant(images)
        tape.watch(x)
        y = tf.cast(model(x, training=True), "float32")
        loss = tf.reduce_sum(y**3)
    gradients = tape.gradient(loss, [x, layer.gamma.value, layer.beta.value])
    return [np.array(value) for value in (y, *gradients, layer.moving_mean, layer.moving_variance)]


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_step_is_that_of_keras(policy: str) -> None:
    layer = keras.layers.BatchNormalization(momentum=0.9, dtype=policy)
    model = keras.Sequential([keras.Input((4, 4, 3)), layer])
    images = np.random.default_rng(0).normal(3, 2, (6, 4, 4, 3)).astype("float32")
    expected = _results(layer, model, images)
    with fused_normalisation(model):
        fused = _results(layer, model, images)
    for value, other in zip(fused, expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-3, atol=1e-3)


def test_statistics_are_of_the_population() -> None:
    layer = keras.layers.BatchNormalization(momentum=0.0)
    model = keras.Sequential([keras.Input((1, 1, 1)), layer])
    with fused_normalisation(model):
        model(np.array([[[[1.0]]], [[[3.0]]]]), training=True)
    assert [float(value[0]) for value in (layer.moving_mean, layer.moving_variance)] == [2.0, 1.0]


def test_layers_are_keras_own_again_after_an_interrupt() -> None:
    layer = keras.layers.BatchNormalization()
    model = keras.Sequential([keras.Input((4, 4, 3)), layer])
    context = fused_normalisation(model)
    context.__enter__()
    assert type(layer) is not keras.layers.BatchNormalization
    assert not context.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert type(layer) is keras.layers.BatchNormalization


def test_a_frozen_layer_keeps_its_statistics() -> None:
    layer = keras.layers.BatchNormalization()
    model = keras.Sequential([keras.Input((4, 4, 3)), layer])
    layer.trainable = False
    with fused_normalisation(model):
        model(np.full((2, 4, 4, 3), 7.0), training=True)
    assert layer.moving_mean.numpy().tolist() == [0.0, 0.0, 0.0]
