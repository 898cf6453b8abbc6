"""Convolutions with pooling, then dense layers: the architecture of most CIFAKE projects."""

import keras
from keras import layers

from cifake.config import CnnSettings, per_layer
from cifake.models.augmentation import Augment
from cifake.models.normalisation import batch_normalisation


def cnn(pixels: keras.KerasTensor, settings: CnnSettings, augment: Augment) -> keras.KerasTensor:
    """Features of images, uint8 [n, 32, 32, 3]: float [n, units of the last dense layer]."""
    x = augment(layers.Rescaling(1 / 255)(pixels), 1.0)
    kernel_sizes = per_layer(settings.kernel_size, settings.filters)
    activations = per_layer(settings.activation, settings.filters)
    for filters, kernel_size, activation in zip(settings.filters, kernel_sizes, activations, strict=True):
        x = layers.Conv2D(
            filters,
            kernel_size,
            padding=settings.padding,
            activation=None if settings.batch_norm else activation,
            use_bias=not settings.batch_norm,  # the normalisation has its own
            kernel_initializer=_initializer(settings, activation),
        )(x)
        if settings.batch_norm:
            x = layers.Activation(activation)(batch_normalisation(settings.batch_norm_momentum)(x))
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    if settings.dropout:
        x = layers.Dropout(settings.dropout)(x)
    activations = per_layer(settings.dense_activation, settings.dense)
    dropouts = per_layer(settings.dense_dropout, settings.dense)
    for units, activation, dropout in zip(settings.dense, activations, dropouts, strict=True):
        initializer = _initializer(settings, activation)
        x = layers.Dense(units, activation=activation, kernel_initializer=initializer)(x)
        if dropout:
            x = layers.Dropout(dropout)(x)
    return x


def _initializer(settings: CnnSettings, activation: str) -> str:
    if settings.kernel_initializer != "by_activation":
        return settings.kernel_initializer
    return "he_normal" if activation == "relu" else "glorot_uniform"
