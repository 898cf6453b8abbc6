"""What every model has in common: raw pixels in, one probability out."""

import contextlib
from collections.abc import Callable, Iterator

import keras

from cifake.config import DEGRADATIONS, Settings, TransferSettings
from cifake.contract import IMAGE_SIDE
from cifake.models.augmentation import RandomAffine
from cifake.models.cnn import cnn
from cifake.models.degradation import RandomDegradation
from cifake.models.transfer import transfer

BUILDERS: dict[str, Callable[..., keras.KerasTensor]] = {"cnn": cnn, "transfer": transfer}
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def build_model(settings: Settings) -> keras.Model:
    """A model that holds its own preprocessing, so training and serving cannot differ.

    Args:
        settings: the run's settings; initial weights follow Keras' global random seed.

    Returns:
        A model, not compiled, from uint8 [n, 32, 32, 3] to float32 [n, 1], the probability
        of FAKE.

    Raises:
        ConfigError: a backbone that Keras does not have, or weights that cannot be loaded.
    """
    with _precision(settings):
        pixels = keras.Input((IMAGE_SIDE, IMAGE_SIDE, 3), dtype="uint8", name="pixels")
        features = BUILDERS[settings.model.builder](
            pixels, settings.model, lambda images, white: _augment(images, white, settings)
        )
        # Probabilities are float32 in any precision: bfloat16 has three digits.
        probability = keras.layers.Dense(1, activation="sigmoid", name="fake", dtype="float32")(features)
    return keras.Model(pixels, probability, name=settings.model.builder)


def serving_model(model: keras.Model, settings: Settings) -> keras.Model:
    """The same model without what only training needs: augmentation and optimizer state.

    It consists of Keras' own layers, so it loads where this package is not installed.
    """
    changes: dict[str, object] = {
        "augmentation": settings.augmentation.model_copy(
            update={name: type(value)(0) for name, value in settings.augmentation}
        )
    }
    if isinstance(settings.model, TransferSettings):
        # Its weights come from the model in a moment, and it will not be trained: no InferenceMode.
        changes["model"] = settings.model.model_copy(update={"weights": "none", "trainable_layers": "all"})
    serving = build_model(settings.model_copy(update=changes))
    serving.set_weights(model.get_weights())
    return serving


def _augment(images: keras.KerasTensor, white: float, settings: Settings) -> keras.KerasTensor:
    """Move the image first: what a camera or a file format does to it comes later."""
    moves = settings.augmentation.model_dump(exclude=set(DEGRADATIONS))
    losses = settings.augmentation.model_dump(include=set(DEGRADATIONS))
    if any(moves.values()):
        images = RandomAffine(**moves)(images)
    return RandomDegradation(**losses, white=white)(images) if any(losses.values()) else images


@contextlib.contextmanager
def _precision(settings: Settings) -> Iterator[None]:
    """Layers take their precision from a global policy when they are made."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[settings.precision])
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
