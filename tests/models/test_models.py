import keras
import numpy as np
import pytest

from cifake.config import load
from cifake.models import build_model, serving_model
from cifake.models.augmentation import RandomAffine
from tests.support.project import EXPERIMENTS


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


def test_base_has_the_layers_that_were_published(images):
    model = build_model(load(EXPERIMENTS / "base.yaml"))
    assert [type(layer).__name__ for layer in model.layers] == [
        "InputLayer", "Rescaling", "Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D", "Flatten",
        "Dropout", "Dense", "Dense",
    ]  # fmt: skip
    # 896 + 9,248 in the convolutions, 6*6*32 inputs into 512 units, 513 in the output
    assert model.count_params() == 896 + 9248 + (6 * 6 * 32 + 1) * 512 + 513
    assert model.input.dtype == "uint8"
    scores = model.predict(images, verbose=0)
    assert scores.shape == (6, 1)
    assert ((scores > 0) & (scores < 1)).all()


def test_settings_reach_the_layers():
    model = build_model(
        load(
            EXPERIMENTS / "base.yaml",
            {
                "model.filters": [8, 4, 2],
                "model.kernel_size": 5,
                "model.padding": "same",
                "model.activation": "sigmoid",
                "model.dense": [7, 3],
                "model.dense_activation": "tanh",
                "model.dropout": 0.0,
            },
        )
    )
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert [(c.filters, c.kernel_size, c.padding, c.activation.__name__) for c in convolutions] == [
        (8, (5, 5), "same", "sigmoid"), (4, (5, 5), "same", "sigmoid"), (2, (5, 5), "same", "sigmoid")
    ]  # fmt: skip
    assert [(d.units, d.activation.__name__) for d in dense] == [(7, "tanh"), (3, "tanh"), (1, "sigmoid")]
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in model.layers)


def layers_of(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


def test_the_published_optima_have_their_numbers_of_parameters():
    # 3*9*256+256 and 256*9*32+32 in the convolutions, (8*8*32+1)*256 and 257 in the dense layers
    assert build_model(load(EXPERIMENTS / "hyperband_best.yaml")).count_params() == 605_729
    # 3*9*80+80, (15*15*80+1)*200, 201*1000, 1001
    assert build_model(load(EXPERIMENTS / "sequential_best.yaml")).count_params() == 3_804_441
    # 896 + 9,248 in the convolutions, (6*6*32+1)*64, 65
    assert build_model(load(EXPERIMENTS / "paper_cnn.yaml")).count_params() == 84_001


def test_each_layer_can_have_its_own_settings():
    model = build_model(
        load(
            EXPERIMENTS / "hyperband_best.yaml",
            {
                "model.filters": [8, 4],
                "model.kernel_size": [5, 3],
                "model.activation": ["relu", "tanh"],
                "model.kernel_initializer": "by_activation",
                "model.dense": [7, 3, 2],
                "model.dense_activation": ["tanh", "relu", "relu"],
                "model.dense_dropout": [0.1, 0.0, 0.4],
            },
        )
    )
    convolutions, dense = layers_of(model, keras.layers.Conv2D), layers_of(model, keras.layers.Dense)
    assert [
        (c.kernel_size, c.activation.__name__, type(c.kernel_initializer).__name__) for c in convolutions
    ] == [((5, 5), "relu", "HeNormal"), ((3, 3), "tanh", "GlorotUniform")]
    assert [(d.units, d.activation.__name__, type(d.kernel_initializer).__name__) for d in dense[:3]] == [
        (7, "tanh", "GlorotUniform"), (3, "relu", "HeNormal"), (2, "relu", "HeNormal")
    ]  # fmt: skip
    names = [type(layer).__name__ for layer in model.layers]
    assert names[names.index("Flatten") + 1 :] == ["Dense", "Dropout", "Dense", "Dense", "Dropout", "Dense"]
    assert [layer.rate for layer in layers_of(model, keras.layers.Dropout)] == [0.1, 0.4]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_precision_is_of_the_arithmetic_alone(images, precision):
    model = build_model(load(EXPERIMENTS / "base.yaml", {"precision": precision}))
    convolution = layers_of(model, keras.layers.Conv2D)[0]
    assert convolution.compute_dtype == precision
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.predict(images, verbose=0).dtype == np.float32
    assert keras.config.dtype_policy().name == "float32"


def test_preprocessing_is_inside():
    """Scores depend on pixels / 255, computed by hand for a model of one pixel's weight."""
    settings = load(
        EXPERIMENTS / "base.yaml", {"model.filters": [1], "model.kernel_size": 1, "model.dense": [1]}
    )
    model = build_model(settings)
    model.set_weights([np.ones_like(w) for w in model.get_weights()])
    for layer in model.layers:
        if hasattr(layer, "bias"):
            layer.bias.assign([0.0])
    image = np.zeros((1, 32, 32, 3), np.uint8)
    image[0, 0, 0] = (51, 0, 102)  # 0.2 + 0.4 through all-ones weights, then a sigmoid
    assert model.predict(image, verbose=0)[0, 0] == pytest.approx(1 / (1 + np.exp(-0.6)), abs=1e-6)


def test_augmentation_only_touches_training(images):
    layer = RandomAffine(rotation=40, shift=0.2, shear=0.2, zoom=0.2)
    floats = images.astype("float32")
    assert np.array_equal(layer(floats, training=False), floats)
    assert not np.allclose(layer(floats, training=True), floats)


def test_no_change_at_all_is_the_identity(images):
    floats = images.astype("float32")
    assert np.allclose(RandomAffine()(floats, training=True), floats, atol=1e-3)


def test_a_flip_is_exact(images):
    floats = images.astype("float32")
    keras.utils.set_random_seed(0)
    flipped = np.asarray(RandomAffine(horizontal_flip=True)(np.repeat(floats[:1], 64, axis=0), training=True))
    mirrored = np.isclose(flipped, floats[0, :, ::-1], atol=1e-2).all(axis=(1, 2, 3))
    untouched = np.isclose(flipped, floats[0], atol=1e-2).all(axis=(1, 2, 3))
    assert (mirrored ^ untouched).all()
    assert 16 < mirrored.sum() < 48


def test_shift_rotation_and_zoom_move_a_dot_as_far_as_they_say():
    """A bright dot off the centre, in 200 random images: its distance from the centre is bounded."""
    dot = np.zeros((200, 33, 33, 1), "float32")
    dot[:, 16, 24] = 1.0  # 8 pixels to the right of the centre
    keras.utils.set_random_seed(0)

    def positions(layer):
        moved = np.asarray(layer(dot, training=True))[..., 0]
        flat = moved.reshape(200, -1).argmax(axis=1)
        return flat // 33 - 16, flat % 33 - 16

    down, right = positions(RandomAffine(shift=0.2))
    assert np.abs(right - 8).max() <= 7
    assert np.abs(right - 8).max() >= 5  # 0.2 * 33 = 6.6 pixels
    assert np.abs(down).max() >= 5
    down, right = positions(RandomAffine(rotation=40))
    angles = np.degrees(np.arctan2(down, right))
    assert 34 < np.abs(angles).max() < 46
    assert np.abs(np.hypot(down, right) - 8).max() < 1.5
    down, right = positions(RandomAffine(zoom=0.2))
    assert set(right) == {7, 8, 9, 10}  # 8 / 1.2 = 6.7 to 8 / 0.8 = 10
    assert not down.any()


def test_the_serving_model_gives_the_same_scores_without_augmentation(images):
    settings = load(EXPERIMENTS / "affine.yaml")
    model = build_model(settings)
    serving = serving_model(model, settings)
    assert not any(isinstance(layer, RandomAffine) for layer in serving.layers)
    assert np.array_equal(model.predict(images, verbose=0), serving.predict(images, verbose=0))
