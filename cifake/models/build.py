"""What every model has in common: raw pixels in, one probability out."""

from collections.abc import Callable

import keras

from cifake.config import Settings
from cifake.models.augmentation import RandomAffine
from cifake.models.cnn import cnn

BUILDERS: dict[str, Callable[..., keras.KerasTensor]] = {"cnn": cnn}


def build_model(settings: Settings) -> keras.Model:
    """A model that holds its own preprocessing, so training and serving cannot differ.

    Args:
        settings: the run's settings; initial weights follow Keras' global random seed.

    Returns:
        A model, not compiled, from uint8 [n, 32, 32, 3] to float32 [n, 1], the probability
        of FAKE.
    """
    pixels = keras.Input((32, 32, 3), dtype="uint8", name="pixels")
    x = keras.layers.Rescaling(1 / 255)(pixels)
    augmentation = settings.augmentation.model_dump()
    if any(augmentation.values()):
        x = RandomAffine(**augmentation)(x)
    features = BUILDERS[settings.model.builder](x, settings.model)
    probability = keras.layers.Dense(1, activation="sigmoid", name="fake")(features)
    return keras.Model(pixels, probability, name=settings.model.builder)


def serving_model(model: keras.Model, settings: Settings) -> keras.Model:
    """The same model without what only training needs: augmentation and optimizer state.

    It consists of Keras' own layers, so it loads where this package is not installed.
    """
    nothing = settings.augmentation.model_copy(
        update={name: type(value)(0) for name, value in settings.augmentation}
    )
    serving = build_model(settings.model_copy(update={"augmentation": nothing}))
    serving.set_weights(model.get_weights())
    return serving
