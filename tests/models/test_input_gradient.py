"""Models on float pixels."""

import keras
import numpy as np
import pytest
from keras import ops

from cifake.config import load
from cifake.models import build_model
from cifake.models.input_gradient import logits_on_float, on_float, uphill
from tests.support.project import EXPERIMENTS


@pytest.mark.parametrize(
    ("variant", "overrides"), [("base", {}), ("mobilenet_v2", {"model.weights": "none"})]
)
def test_scores_and_weights_are_those_of_the_model(variant, overrides):
    model = build_model(load(EXPERIMENTS / f"{variant}.yaml", overrides))
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    same = on_float(model)
    assert same.input.dtype == "float32"
    assert np.allclose(
        same.predict_on_batch(images.astype(np.float32)), model.predict_on_batch(images), atol=1e-6
    )
    assert same.trainable_weights[0] is model.trainable_weights[0]
    logits = logits_on_float(model)
    shares = 1 / (1 + np.exp(-logits.predict_on_batch(images.astype(np.float32))))
    assert np.allclose(shares, model.predict_on_batch(images), atol=1e-6)
    directions = uphill(logits, ops.convert_to_tensor(images, "float32"), np.ones(3, np.float32))
    assert np.mean(np.abs(directions) == 1) > 0.5


def test_half_a_step_of_a_pixel_changes_the_score():
    pixels = keras.Input((32, 32, 3), dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels))
    model = keras.Model(pixels, keras.layers.Dense(1, kernel_initializer="ones")(x))
    images = np.zeros((2, 32, 32, 3), np.float32)
    images[1, 0, 0, 0] = 0.5
    assert np.allclose(on_float(model).predict_on_batch(images)[:, 0], [0, 0.5 / 255])
