"""Heat maps against maps computed by hand and by numerical derivatives."""

import keras
import numpy as np
import pytest

from cifake.config import load
from cifake.core.errors import RunError
from cifake.evaluation.scoring import predict
from cifake.explain.gradcam import BATCH, GradCam, heat
from cifake.models import build_model, serving_model
from tests.support.project import EXPERIMENTS

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


def tiny(convolution, head):
    """Pixels / 255, a convolution, then ``head``: from maps to a probability."""
    pixels = keras.Input((32, 32, 3), dtype="uint8")
    maps = convolution(keras.layers.Rescaling(1 / 255)(pixels))
    for layer in head:
        maps = layer(maps)
    return keras.Model(pixels, keras.layers.Dense(1, activation="sigmoid", name="fake")(maps))


def variant(name, **overrides):
    settings = load(EXPERIMENTS / f"{name}.yaml", {k.replace("__", "."): v for k, v in overrides.items()})
    return serving_model(build_model(settings), settings)


@pytest.fixture
def pooled():
    """Maps red / 255 and blue / 255; logit = 3 mean(red) - 2 mean(blue): Grad-CAM by hand."""
    kernel = np.zeros((1, 1, 3, 2), np.float32)
    kernel[0, 0, 0, 0] = kernel[0, 0, 2, 1] = 1
    convolution = keras.layers.Conv2D(2, 1, use_bias=False, name="colours")
    model = tiny(convolution, [keras.layers.GlobalAveragePooling2D()])
    convolution.set_weights([kernel])
    model.layers[-1].set_weights([np.array([[3], [-2]], np.float32), np.zeros(1, np.float32)])
    return model


def test_the_map_of_a_pooled_network_is_the_one_computed_by_hand(pooled):
    evidence, scores = GradCam(pooled)(IMAGES)
    red, blue = (IMAGES[..., channel] / 255 for channel in (0, 2))
    # d logit / d red is 3 / 1024 at each of the 32 x 32 places, so the weight of the red map is that.
    assert np.allclose(evidence, (3 * red - 2 * blue) / 1024, atol=1e-6)
    logits = 3 * red.mean(axis=(1, 2)) - 2 * blue.mean(axis=(1, 2))
    assert np.allclose(scores, 1 / (1 + np.exp(-logits)), atol=1e-6)


def test_a_sure_call_has_a_map_too(pooled):
    pooled.layers[-1].set_weights([np.array([[3], [-2]], np.float32), np.array([100], np.float32)])
    evidence, scores = GradCam(pooled)(IMAGES)
    assert scores.tolist() == [1, 1, 1]  # the gradient of this score is zero in float32
    assert np.abs(evidence).max() > 1e-3


@pytest.mark.parametrize("method", ["grad_cam", "hires_cam"])
def test_numerical_derivatives_give_the_same_map(method):
    keras.utils.set_random_seed(0)
    convolution = keras.layers.Conv2D(2, 3, strides=8, activation="relu")
    head = [keras.layers.MaxPooling2D(), keras.layers.Flatten(), keras.layers.Dense(5, activation="relu")]
    model = tiny(convolution, head)
    evidence, _ = GradCam(model, method=method)(IMAGES[:1])
    maps = keras.Model(model.input, convolution.output)(IMAGES[:1]).numpy().astype(float)
    hidden, output = ([w.astype(float) for w in layer.get_weights()] for layer in model.layers[-2:])

    def logit(a):  # in NumPy and float64
        pooled = a.reshape(1, 2, 2, 2, 2, 2).max(axis=(2, 4)).reshape(1, -1)
        return (np.maximum(pooled @ hidden[0] + hidden[1], 0) @ output[0] + output[1]).item()

    gradient = np.zeros_like(maps)
    for place in np.ndindex(maps.shape):
        step = np.zeros_like(maps)
        step[place] = 1e-6
        gradient[place] = (logit(maps + step) - logit(maps - step)) / 2e-6
    if method == "grad_cam":
        gradient = gradient.mean(axis=(1, 2), keepdims=True)
    assert np.abs(gradient).max() > 0.01
    assert np.allclose(evidence, (maps * gradient).sum(axis=-1), atol=1e-5)


def test_each_value_by_its_own_gradient_sums_to_the_logit_without_biases():
    evidence, scores = GradCam(variant("base"), method="hires_cam")(IMAGES)  # initial biases are zero
    assert np.allclose(evidence.sum(axis=(1, 2)), np.log(scores / (1 - scores)), atol=1e-4)


def test_heat_is_what_speaks_for_the_class_that_was_called():
    evidence = np.array([[[2.0, -1.0]], [[2.0, -1.0]]])
    assert heat(evidence, np.array([0.9, 0.1])).tolist() == [[[2, 0]], [[0, 1]]]


@pytest.mark.parametrize(
    ("model", "layer", "expected", "side"),
    [
        (lambda: variant("base"), None, "conv2d", 13),
        (lambda: variant("base"), "max_pooling2d_2", "max_pooling2d_2", 15),
        (
            lambda: variant("mobilenet_v2", model__weights="none", model__image_size=32),
            None, "Conv_1", 1,
        ),
        (
            lambda: variant("mobilenet_v2", model__weights="none", model__image_size=64),
            "block_12_add", "block_12_add", 4,
        ),
        (lambda: variant("base", precision="bfloat16"), None, "conv2d", 13),
    ],
)  # fmt: skip
def test_every_variant_in_its_last_convolution_or_any_layer_with_maps(model, layer, expected, side):
    keras.utils.clear_session()  # names count from the start
    model = model()
    cam = GradCam(model, layer)
    assert cam.layer.startswith(expected)
    images = np.resize(IMAGES, (BATCH + 1, 32, 32, 3))  # a whole batch and an odd one
    evidence, scores = cam(images)
    assert (evidence.shape, evidence.dtype) == ((BATCH + 1, side, side), np.float32)
    assert np.allclose(scores, predict(model, images), atol=1e-3)
    assert np.allclose(evidence[0], evidence[-2], atol=1e-3 * np.abs(evidence).max())


def test_sequential_models_are_explained_too():
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3), dtype="uint8"),
            keras.Sequential([keras.layers.Conv2D(2, 5), keras.layers.ReLU()]),
            keras.layers.Flatten(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    before = model.get_weights()
    evidence, scores = GradCam(model)(IMAGES)
    assert evidence.shape == (3, 28, 28)
    assert np.allclose(scores, predict(model, IMAGES), atol=1e-6)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_what_cannot_be_explained_is_said_in_one_line(pooled):
    with pytest.raises(RunError, match=r"layer red: there is none of that name; .* convolutions: colours$"):
        GradCam(pooled, "red")
    with pytest.raises(RunError, match=r"expected one that gives maps .*, received .* \(None, 2\)"):
        GradCam(pooled, pooled.layers[-2].name)
    with pytest.raises(RunError, match=r"Grad-CAM needs a convolution; .* convolutions: none$"):
        GradCam(tiny(keras.layers.Flatten(), []))
    softmax = keras.Model(pooled.input, keras.layers.Dense(1)(pooled.layers[-2].output))
    with pytest.raises(RunError, match=r"expected a model that ends in a dense layer with a sigmoid"):
        GradCam(softmax)


def test_with_mirror_images_the_map_is_of_the_image_itself():
    maps = {}
    for flips in (False, True):
        keras.utils.set_random_seed(0)
        maps[flips], _ = GradCam(variant("base", predict_flips=flips))(IMAGES)
    assert np.abs(maps[False]).max() > 1e-6
    # Its logit is half of the mean over the image and its mirror image.
    assert np.allclose(maps[True], maps[False] / 2, rtol=1e-3, atol=1e-8)
