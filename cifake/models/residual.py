"""Residual networks at the size of CIFAKE's images, in Keras' own layers for any backend."""

from typing import Any

import keras
from keras import layers

from cifake.config import ResidualSettings, per_layer
from cifake.config.builders import GROUPS
from cifake.models.augmentation import Augment
from cifake.models.normalisation import batch_normalisation

POOLING = {"average": layers.AveragePooling2D, "max": layers.MaxPooling2D}
GLOBAL_POOLING = {"average": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}


def residual(pixels: keras.KerasTensor, settings: ResidualSettings, augment: Augment) -> keras.KerasTensor:
    """Features of images, uint8 [n, 32, 32, 3].

    They are float [n, units of the last dense layer], or the pooled filters of the last stage without one.
    """
    x = augment(layers.Rescaling(1 / 255)(pixels), 1.0)
    x = _convolve(x, settings.stem, settings.stem_kernel_size, settings)
    stages = (per_layer(value, settings.filters) for value in (
        settings.filters, settings.blocks, settings.kernel_size, settings.downsample
    ))  # fmt: skip
    for filters, blocks, kernel_size, downsample in zip(*stages, strict=True):
        if downsample:
            x = POOLING[settings.pooling](2)(x)
        if x.shape[-1] != filters:
            x = _convolve(x, filters, kernel_size, settings)
        for _ in range(blocks):
            x = _block(x, kernel_size, settings)
    x = GLOBAL_POOLING[settings.global_pooling]()(x)
    if settings.dropout:
        x = layers.Dropout(settings.dropout)(x)
    for units in settings.dense:
        x = layers.Dense(units, activation=settings.dense_activation)(x)
    return x


def _block(x: keras.KerasTensor, kernel_size: int, settings: ResidualSettings) -> keras.KerasTensor:
    """Two convolutions and a skip connection around them.

    A block starts as the identity: the scale of its last normalisation, or without one the last kernel,
    starts at zero (Goyal et al. 2017).
    """
    filters = x.shape[-1]
    change = _convolve(x, filters, kernel_size, settings)
    skip = settings.skip_connections
    change = _convolve(change, filters, kernel_size, settings, activate=False, starts_at_zero=skip)
    return layers.Activation(settings.activation)(layers.Add()([x, change]) if skip else change)


def _convolve(
    x: keras.KerasTensor,
    filters: int,
    kernel_size: int,
    settings: ResidualSettings,
    activate: bool = True,
    starts_at_zero: bool = False,
) -> keras.KerasTensor:
    plain = settings.normalisation == "none"
    kernel = "zeros" if plain and starts_at_zero else "he_normal"
    # A bias is part of the normalisation.
    x = layers.Conv2D(filters, kernel_size, padding="same", use_bias=plain, kernel_initializer=kernel)(x)
    scale: dict[str, Any] = {"gamma_initializer": "zeros" if starts_at_zero else "ones"}
    if settings.normalisation == "batch":
        x = batch_normalisation(settings.batch_norm_momentum, **scale)(x)
    elif settings.normalisation == "group":
        x = layers.GroupNormalization(GROUPS, **scale)(x)
    return layers.Activation(settings.activation)(x) if activate else x
