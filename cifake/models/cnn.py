"""Convolutions with pooling, then dense layers: the family most CIFAKE projects choose from."""

import keras
from keras import layers

from cifake.config import CnnSettings


def cnn(x: keras.KerasTensor, settings: CnnSettings) -> keras.KerasTensor:
    """Features of an image.

    Args:
        x: images, float [n, 32, 32, 3], in 0..1.
        settings: layer sizes and activations.

    Returns:
        float [n, units of the last dense layer].
    """
    for filters in settings.filters:
        x = layers.Conv2D(
            filters, settings.kernel_size, padding=settings.padding, activation=settings.activation
        )(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    if settings.dropout:
        x = layers.Dropout(settings.dropout)(x)
    for units in settings.dense:
        x = layers.Dense(units, activation=settings.dense_activation)(x)
    return x
