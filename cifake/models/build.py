"""Build models that map raw pixels to one probability."""

import contextlib
from collections.abc import Callable, Iterator

import keras
import numpy as np

from cifake.config import Settings, TransferSettings
from cifake.contract import IMAGE_SIDE
from cifake.models.augmentation import RandomAffine
from cifake.models.cnn import cnn
from cifake.models.degradation import RandomDegradation
from cifake.models.input_gradient import on_float
from cifake.models.keras_configuration import configure_keras
from cifake.models.residual import residual
from cifake.models.transfer import transfer

BUILDERS: dict[str, Callable[..., keras.KerasTensor]] = {
    "cnn": cnn, "residual": residual, "transfer": transfer,
}  # fmt: skip
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def build_model(settings: Settings) -> keras.Model:
    """A model with its own preprocessing, so that training and serving cannot differ.

    Returns:
        A model, not compiled, from uint8 [n, 32, 32, 3] to the probability of FAKE, float32 [n, 1]. Its
        initial weights depend on Keras' global random seed.

    Raises:
        ConfigError: an unknown backbone, or weights that cannot be loaded.
    """
    configure_keras()
    with _precision(settings):
        pixels = keras.Input((IMAGE_SIDE, IMAGE_SIDE, 3), dtype="uint8", name="pixels")
        features = BUILDERS[settings.model.builder](
            pixels, settings.model, lambda images, white: _augment(images, white, settings)
        )
        # Probabilities are always float32: bfloat16 has three digits.
        probability = keras.layers.Dense(1, activation="sigmoid", name="fake", dtype="float32")(features)
    return keras.Model(pixels, probability, name=settings.model.builder)


def serving_model(model: keras.Model, settings: Settings) -> keras.Model:
    """The same model without augmentation and optimizer state; with ``predict_flips``, on mirror images, too.

    It consists of Keras' own layers, so it loads where this package is not installed.
    """
    changes: dict[str, object] = {"augmentation": settings.augmentation.switched_off()}
    if isinstance(settings.model, TransferSettings):
        # It gets the weights of the trained model below, and needs no InferenceMode as it is not trained.
        update = {"weights": "none", "trainable_layers": "all"}
        changes["model"] = settings.model.model_copy(update=update)
    serving = build_model(settings.model_copy(update=changes))
    serving.set_weights(model.get_weights())
    return _average_flips(serving) if settings.predict_flips else serving


def _average_flips(model: keras.Model) -> keras.Model:
    """Average the logits of an image and of its mirror image.

    The features are averaged, which is the same, as the logit is linear in them. The dense layer stays the
    last one, and the image itself comes after its mirror image: attacks and Grad-CAM rely on both.
    """
    features = on_float(keras.Model(model.input, model.layers[-1].input, name="features_of_one"))
    pixels = keras.Input(model.input_shape[1:], dtype="uint8", name="pixels")
    # A nested model passes gradients to its input if that is float.
    images = keras.layers.Rescaling(1.0, dtype="float32", name="as_float_pixels")(pixels)
    both = [features(_mirror()(images)), features(images)]
    average = keras.layers.Average(dtype="float32", name="average_of_flips")(both)
    return keras.Model(pixels, model.layers[-1](average), name=model.name)


def _mirror() -> keras.layers.Layer:
    """Mirror images by a fixed matrix: unlike ``ops.flip``, a layer can be saved in every format."""
    shape = (IMAGE_SIDE, IMAGE_SIDE, 3)
    layer = keras.layers.EinsumDense("nhwc,wv->nhvc", shape, trainable=False, dtype="float32", name="mirror")
    layer.build((None, *shape))
    layer.set_weights([np.eye(IMAGE_SIDE)[::-1]])
    return layer


def _augment(images: keras.KerasTensor, white: float, settings: Settings) -> keras.KerasTensor:
    """Geometric changes first: noise, blur and compression happen to an image afterwards."""
    augmentation = settings.augmentation
    if augmentation.affine:
        images = RandomAffine(**augmentation.affine)(images)
    if augmentation.degradations:
        images = RandomDegradation(**augmentation.degradations, white=white)(images)
    return images


@contextlib.contextmanager
def _precision(settings: Settings) -> Iterator[None]:
    """Set Keras' global policy, from which new layers take their precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[settings.precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
