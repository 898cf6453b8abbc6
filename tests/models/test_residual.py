"""The residual builder, and what batch normalisation's settings do to all builders."""

import keras
import numpy as np
import pytest

from cifake.config import load
from cifake.models import build_model, serving_model
from cifake.models.input_gradient import logits_on_float
from cifake.training.averaging import estimate_batch_statistics
from tests.support.project import EXPERIMENTS


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


def build(variant="modern", **overrides):
    return build_model(load(EXPERIMENTS / f"{variant}.yaml", overrides))


def layers_of(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


def test_strong_scratch_has_its_stages():
    model = build("strong_scratch")
    convolutions = layers_of(model, keras.layers.Conv2D)
    assert [(layer.filters, layer.output.shape[1]) for layer in convolutions] == [
        (32, 32), (32, 32), (32, 32), (64, 16), (64, 16), (64, 16), (128, 8), (128, 8), (128, 8), (256, 4)
    ]  # fmt: skip
    # 9 weights of each pair of filters, 4 values of each filter's normalisation, 257 in the output
    weights = 3 * 32 + 2 * 32**2 + 32 * 64 + 2 * 64**2 + 64 * 128 + 2 * 128**2 + 128 * 256
    assert model.count_params() == 9 * weights + 4 * (3 * 32 + 3 * 64 + 3 * 128 + 256) + 257 == 778_977
    assert len(layers_of(model, keras.layers.Add)) == 3
    assert len(layers_of(model, keras.layers.AveragePooling2D)) == 3


def test_settings_reach_the_layers():
    model = build(
        **{"model.stem_kernel_size": 5, "model.kernel_size": [1, 3, 5], "model.blocks": [2, 0, 1],
           "model.pooling": "max", "model.global_pooling": "max", "model.activation": "gelu",
           "model.dropout": 0.25, "model.dense": [7], "model.dense_activation": "tanh",
           "model.batch_norm_momentum": 0.9}
    )  # fmt: skip
    kernels = [layer.kernel_size[0] for layer in layers_of(model, keras.layers.Conv2D)]
    assert kernels == [5, 1, 1, 1, 1, 3, 5, 5, 5]
    assert len(layers_of(model, keras.layers.MaxPooling2D)) == 2
    assert len(layers_of(model, keras.layers.GlobalMaxPooling2D)) == 1
    assert {layer.activation.__name__ for layer in layers_of(model, keras.layers.Activation)} == {"gelu"}
    assert {layer.momentum for layer in layers_of(model, keras.layers.BatchNormalization)} == {0.9}
    assert [layer.rate for layer in layers_of(model, keras.layers.Dropout)] == [0.25]
    assert [layer.units for layer in layers_of(model, keras.layers.Dense)] == [7, 1]


@pytest.mark.parametrize(
    ("normalisation", "kind"),
    [("batch", keras.layers.BatchNormalization), ("group", keras.layers.GroupNormalization), ("none", None)],
)
def test_normalisation(images, normalisation, kind):
    model = build(**{"model.normalisation": normalisation, "model.batch_norm_momentum": None})
    convolutions = layers_of(model, keras.layers.Conv2D)
    found = layers_of(model, (keras.layers.BatchNormalization, keras.layers.GroupNormalization))
    assert [type(layer) for layer in found] == [kind] * len(convolutions if kind else [])
    assert {layer.use_bias for layer in convolutions} == {normalisation == "none"}
    assert np.isfinite(model.predict(images, verbose=0)).all()


@pytest.mark.parametrize("variant", ["modern", "modern_no_batch_norm"])
def test_a_block_starts_as_the_identity_unless_it_has_no_skip_connection(images, variant):
    """Before training, blocks change nothing: activations are not negative, so ReLU keeps them."""
    with_blocks = build(variant)
    without = build(variant, **{"model.blocks": 0})
    for layer in layers_of(with_blocks, keras.layers.Add):
        maps = keras.Model(with_blocks.input, [layer.input[0], layer.output])(images)
        assert np.array_equal(*(np.asarray(each) for each in maps))
    assert len(layers_of(with_blocks, keras.layers.Add)) == 3
    assert not layers_of(without, keras.layers.Add)
    plain = build(variant, **{"model.skip_connections": False})
    assert not layers_of(plain, keras.layers.Add)
    assert plain.count_params() == with_blocks.count_params()
    scales = [np.array(layer.gamma) for layer in layers_of(plain, keras.layers.BatchNormalization)]
    assert len(scales) == (9 if variant == "modern" else 0)
    assert all((scale == 1).all() for scale in scales)
    assert all(np.array(layer.kernel).any() for layer in layers_of(plain, keras.layers.Conv2D))


def test_cnn_normalises_between_convolution_and_activation(images):
    model = build("base", **{"model.batch_norm": True, "model.batch_norm_momentum": 0.8})
    assert [type(layer).__name__ for layer in model.layers[:6]] == [
        "InputLayer", "Rescaling", "Conv2D", "BatchNormalization", "Activation", "MaxPooling2D"
    ]  # fmt: skip
    convolution, normalisation, activation = model.layers[2:5]
    assert (convolution.activation.__name__, convolution.use_bias) == ("linear", False)
    assert (normalisation.momentum, activation.activation.__name__) == (0.8, "relu")


@pytest.mark.parametrize(("precision", "momentum"), [("float32", 0.5), ("bfloat16", 0.5), ("float32", None)])
def test_a_pretrained_backbone_learns_new_statistics_if_a_momentum_is_given(
    tmp_path, images, precision, momentum
):
    donor = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(64, 64, 3))
    donor.save_weights(tmp_path / "pretrained.weights.h5")
    model = build(
        "strong",
        **{"model.weights": str(tmp_path / "pretrained.weights.h5"), "precision": precision,
           "model.batch_norm_momentum": momentum},
    )  # fmt: skip
    (backbone,) = layers_of(model, keras.Model)
    first = next(x for x in backbone.layers if isinstance(x, keras.layers.BatchNormalization))
    model.compile("sgd", "binary_crossentropy")
    model.train_on_batch(images, np.ones(6))
    assert np.any(np.array(first.moving_mean)) == (momentum is not None)  # they start at 0
    assert first.momentum == (momentum or 0.999)
    assert len(model.trainable_variables) == 158  # 156 of the backbone, 2 of the output


def averaged_flips(images, variant, **overrides):
    """A model, its serving model, and the mean of its logits of images and of their mirror images."""
    settings = load(EXPERIMENTS / f"{variant}.yaml", {"predict_flips": True, **overrides})
    keras.utils.set_random_seed(1)
    model = build_model(settings)
    estimate_batch_statistics(model, [images])  # random weights with others make all scores alike
    sides = (images, images[:, :, ::-1].copy())
    logits = [np.log(p / (1 - p)) for p in (model.predict(side, verbose=0) for side in sides)]
    assert not np.allclose(logits[0], logits[1], atol=1e-4)
    return model, serving_model(model, settings), (logits[0] + logits[1]) / 2


@pytest.mark.parametrize("variant", ["modern", "strong"])
def test_predict_flips_averages_the_logits_of_an_image_and_its_mirror_image(tmp_path, images, variant):
    overrides = {"model.weights": "none", "model.image_size": 32} if variant == "strong" else {}
    model, serving, logits = averaged_flips(images, variant, **overrides)
    scores = serving.predict(images, verbose=0)
    assert scores == pytest.approx(1 / (1 + np.exp(-logits)), abs=1e-5)
    assert serving.count_params() == model.count_params() + 32 * 32  # a fixed matrix mirrors images
    assert (serving.input.dtype, serving.input_shape) == ("uint8", (None, 32, 32, 3))
    for form in ("keras", "h5"):
        serving.save(tmp_path / f"model.{form}")
        again = keras.models.load_model(tmp_path / f"model.{form}")
        assert np.array_equal(again.predict(images, verbose=0), scores)


def test_predict_flips_can_be_attacked_and_explained(images):
    import tensorflow as tf

    model, serving, expected = averaged_flips(images, "base")
    plain, averaged = logits_on_float(model), logits_on_float(serving)
    floats = images.astype("float32")
    assert averaged.predict(floats, verbose=0) == pytest.approx(expected, abs=1e-4)

    def gradient(logits, pixels):
        pixels = tf.constant(pixels)
        with tf.GradientTape() as tape:
            tape.watch(pixels)
            value = tf.reduce_sum(logits(pixels, training=False))
        return tape.gradient(value, pixels).numpy()

    of_mirror = gradient(plain, floats[:, :, ::-1].copy())[:, :, ::-1]
    both = (gradient(plain, floats) + of_mirror) / 2
    assert gradient(averaged, floats) == pytest.approx(both, abs=1e-8)
    assert np.abs(both).max() > 1e-5
