"""A backbone of keras.applications under a small head."""

from typing import Any

import keras
from keras import layers

from cifake.config import TransferSettings
from cifake.contract import IMAGE_SIDE
from cifake.models.augmentation import Augment
from cifake.models.backbone import default_size, load_backbone, preprocessing

FEATURES = "features"  # the layer whose output a frozen backbone's cache holds


class InferenceMode(keras.Model):
    """A model that does not know when it is trained: no dropout, no statistics of the batch.

    Calling a model with ``training=False`` would not do: where it is part of another one, Keras
    passes that one's ``training`` on instead.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        return super().call(inputs, training=False, mask=mask)


def transfer(pixels: keras.KerasTensor, settings: TransferSettings, augment: Augment) -> keras.KerasTensor:
    """Features of an image.

    Args:
        pixels: images, uint8 [n, 32, 32, 3].
        settings: backbone, its weights, how much of it is trained, and the head.
        augment: changes images while training, after they were resized.

    Returns:
        float [n, units of the last dense layer], or the pooled features without one.

    Raises:
        ConfigError: a backbone that Keras does not have, or weights that cannot be loaded.
    """
    size = settings.image_size or default_size(settings.backbone)
    # Pixels and what Keras' preprocessing makes of them need more than bfloat16's three digits.
    x = layers.Rescaling(1.0, dtype="float32", name="as_float")(pixels)
    if size != IMAGE_SIDE:
        x = layers.Resizing(size, size, dtype="float32")(x)
    x = preprocessing(settings.backbone)(augment(x, 255.0))
    backbone = load_backbone(settings.backbone, settings.weights, size)
    freeze(backbone, settings.trainable_layers)
    # Weights that were learned belong to the batch statistics they were learned with, also while they
    # are trained on; see "Transfer learning & fine-tuning" among Keras' guides. Random ones learn theirs.
    if settings.weights != "none" or settings.trainable_layers == 0:
        backbone = InferenceMode(backbone.input, backbone.output, name=backbone.name)
    x = backbone(x)
    x = layers.GlobalAveragePooling2D(name=FEATURES, dtype="float32")(x)
    return _head(x, settings)


def freeze(backbone: keras.Model, trainable_layers: int | str) -> None:
    """Train only the last layers; frozen batch normalisation keeps its statistics, too.

    Args:
        backbone: changed in place.
        trainable_layers: how many layers, from the end, to train, or ``all``.
    """
    if trainable_layers == "all":
        return
    for layer in backbone.layers[: len(backbone.layers) - int(trainable_layers)]:
        layer.trainable = False


def _head(x: keras.KerasTensor, settings: TransferSettings) -> keras.KerasTensor:
    if settings.batch_norm:
        x = layers.BatchNormalization()(x)
    for number, units in enumerate(settings.dense):
        penalty = keras.regularizers.L2(settings.l2) if settings.l2 and number == 0 else None
        x = layers.Dense(units, activation=settings.dense_activation, kernel_regularizer=penalty)(x)
        if settings.dropout and number == 0:
            x = layers.Dropout(settings.dropout)(x)
    return x
