"""Models of other projects, converted to the form of ours."""

import keras

from cifake.contract import IMAGE_SIDE
from cifake.core.errors import RunError

PIXELS = (None, IMAGE_SIDE, IMAGE_SIDE, 3)
OUTPUTS = {keras.activations.sigmoid: 1, keras.activations.softmax: 2}


def is_ours(model: keras.Model) -> bool:
    """Whether a model is one of ``build_model``: raw pixels in, probability of FAKE out."""
    last = model.layers[-1]
    form = (model.inputs[0].dtype, model.input_shape, model.output_shape, last.name)
    sigmoid = getattr(last, "activation", None) is keras.activations.sigmoid
    return sigmoid and form == ("uint8", PIXELS, (None, 1), "fake")


def convert(model: keras.Model, low: float, high: float, positive: str) -> keras.Model:
    """A model from uint8 [n, 32, 32, 3] to the probability of FAKE, float32 [n, 1], with the same layers.

    The last layer becomes a dense layer with one sigmoid, as Grad-CAM and attacks expect: the logit of two
    softmax outputs is the difference of theirs, and that of REAL the negative of FAKE's.

    Args:
        model: passes ``check_shapes``; ends in one sigmoid or two softmax outputs.
        low: what the model takes for a pixel of 0.
        high: what it takes for a pixel of 255.
        positive: the label that the model calls 1: the sigmoid's, or that of the second output.

    Raises:
        RunError: it ends otherwise, or takes whole numbers of another range.
    """
    last = model.layers[-1]
    activation = getattr(last, "activation", None)
    dense = model.layers[-2] if isinstance(last, keras.layers.Activation) else last
    if (
        not isinstance(dense, keras.layers.Dense)
        or (dense is not last and dense.activation is not keras.activations.linear)
        or OUTPUTS.get(activation) != dense.units
    ):
        raise RunError(
            "expected a model that ends in a dense layer with one sigmoid or two softmax outputs, received "
            f"'{last.name}' with {model.output_shape[-1]} output(s) and activation "
            f"{getattr(activation, '__name__', 'none')}; its scores are not probabilities of two labels"
        )
    if high <= 1 and not model.inputs[0].dtype.startswith("float"):
        raise RunError("expected scale=0..255, as the model takes whole numbers")
    kernel, *bias = dense.get_weights()
    weights = [kernel, *(bias or [0 * kernel[0]])]
    if dense.units == 2:
        weights = [weight[..., 1:] - weight[..., :1] for weight in weights]
    pixels = keras.Input(PIXELS[1:], dtype="uint8", name="pixels")
    values = keras.layers.Rescaling((high - low) / 255, low, dtype="float32", name="scaled_pixels")(pixels)
    features = keras.Model(model.inputs[0], dense.input, name="features")
    fake = keras.layers.Dense(1, activation="sigmoid", name="fake", dtype="float32")
    probability = fake(features(values))
    fake.set_weights([weight if positive == "FAKE" else -weight for weight in weights])
    return keras.Model(pixels, probability, name=model.name)


def check_shapes(model: keras.Model) -> None:
    """Refuse a model that does not take 32 x 32 RGB images, or has several inputs or outputs.

    Raises:
        RunError: it takes something else.
    """
    shape = getattr(model, "input_shape", ())  # a subclass of Keras' model has none
    single = len(shape) == len(PIXELS) and len(model.inputs) == len(model.outputs) == 1
    if not single or any(size not in (None, right) for size, right in zip(shape, PIXELS, strict=True)):
        raise RunError(
            f"expected a model from pixels {PIXELS} to a probability (None, 1), received one from {shape} to "
            f"{getattr(model, 'output_shape', ())}"
        )
