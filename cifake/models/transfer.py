"""A backbone of keras.applications under a small head."""

import keras
from keras import layers

from cifake.config import IMAGE_SIDE, TransferSettings
from cifake.models.augmentation import Augment
from cifake.models.backbone import default_size, load_backbone, preprocessing

FEATURES = "features"  # the layer whose output a frozen backbone's cache holds


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
    x = preprocessing(settings.backbone)(augment(x))
    backbone = load_backbone(settings.backbone, settings.weights, size)
    freeze(backbone, settings.trainable_layers)
    # A backbone that is wholly frozen is a fixed function: no dropout, no batch statistics.
    x = backbone(x, training=False) if settings.trainable_layers == 0 else backbone(x)
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
