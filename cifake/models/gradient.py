"""A model that can be differentiated with respect to its pixels."""

import keras


def on_float(model: keras.Model) -> keras.Model:
    """The same layers, called on float32 [n, 32, 32, 3] of 0 to 255: whole numbers have no gradient.

    Args:
        model: takes uint8 [n, 32, 32, 3]; its weights are shared, not copied.
    """
    pixels = keras.Input(model.input_shape[1:], dtype="float32", name="float_pixels")
    return keras.models.clone_model(model, input_tensors=pixels, clone_function=lambda layer: layer)
