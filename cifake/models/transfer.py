"""A backbone of keras.applications under a small head."""

from typing import Any

import keras
from keras import layers

from cifake.config import TransferSettings
from cifake.contract import IMAGE_SIDE
from cifake.core.errors import ConfigError
from cifake.models.augmentation import Augment
from cifake.models.backbone import default_size, load_backbone, preprocessing
from cifake.models.normalisation import batch_normalisation

FEATURES = "features"  # the layer whose output is cached when the backbone is frozen


class InferenceMode(keras.Model):
    """A model that always runs in inference mode: no dropout, no batch statistics.

    Calling it with ``training=False`` is not enough: Keras overrides that with the ``training`` of an
    outer model.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        return super().call(inputs, training=False, mask=mask)


def transfer(pixels: keras.KerasTensor, settings: TransferSettings, augment: Augment) -> keras.KerasTensor:
    """Features of images, uint8 [n, 32, 32, 3], which are augmented after they were resized.

    They are float [n, units of the last dense layer], or the pooled features without one.

    Raises:
        ConfigError: an unknown backbone, weights that cannot be loaded, or more layers than there are.
    """
    size = settings.image_size or default_size(settings.backbone)
    # Pixels and their preprocessing need more than bfloat16's three digits.
    x = layers.Rescaling(1.0, dtype="float32", name="as_float")(pixels)
    if size != IMAGE_SIDE:
        x = layers.Resizing(size, size, dtype="float32")(x)
    x = preprocessing(settings.backbone)(augment(x, 255.0))
    backbone = load_backbone(settings.backbone, settings.weights, size)
    if settings.trainable_layers != "all":
        if settings.trainable_layers > len(backbone.layers):
            raise ConfigError(
                f"model.trainable_layers: expected at most the {len(backbone.layers)} layers of "
                f"{settings.backbone}, or all, received {settings.trainable_layers}"
            )
        for layer in backbone.layers[: len(backbone.layers) - settings.trainable_layers]:
            layer.trainable = False  # batch normalisation also keeps its statistics then
    momentum = settings.batch_norm_momentum
    # Pretrained weights keep the batch statistics they were trained with, even when they are fine-tuned
    # (Keras guide "Transfer learning & fine-tuning"), unless a momentum asks for new ones.
    if settings.trainable_layers == 0 or (settings.weights != "none" and momentum is None):
        backbone = InferenceMode(backbone.input, backbone.output, name=backbone.name)
    elif momentum is not None:
        for layer in backbone.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = momentum
    x = backbone(x)
    x = layers.GlobalAveragePooling2D(name=FEATURES, dtype="float32")(x)
    return _head(x, settings)


def _head(x: keras.KerasTensor, settings: TransferSettings) -> keras.KerasTensor:
    if settings.batch_norm:
        x = batch_normalisation(settings.batch_norm_momentum)(x)
    for number, units in enumerate(settings.dense):
        penalty = keras.regularizers.L2(settings.l2) if settings.l2 and number == 0 else None
        x = layers.Dense(units, activation=settings.dense_activation, kernel_regularizer=penalty)(x)
        if settings.dropout and number == 0:
            x = layers.Dropout(settings.dropout)(x)
    return x
