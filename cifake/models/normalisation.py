"""Batch normalisation with a momentum of its own."""

from typing import Any

import keras


def batch_normalisation(momentum: float | None, **keywords: Any) -> keras.layers.BatchNormalization:
    """A layer of batch normalisation; without a momentum, with Keras' default."""
    return keras.layers.BatchNormalization(**({} if momentum is None else {"momentum": momentum}), **keywords)
