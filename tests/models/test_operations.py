"""The operations of a prediction."""

import keras
import pytest

from cifake.config import load
from cifake.models import build_model, serving_model
from cifake.models.operations import count_operations
from tests.support.project import EXPERIMENTS


def operations(variant, served=False, **overrides):
    settings = load(EXPERIMENTS / f"{variant}.yaml", overrides)
    model = build_model(settings)
    return count_operations(serving_model(model, settings) if served else model)


def test_those_of_base_by_hand():
    convolutions = 30 * 30 * 32 * (3 * 3 * 3) + 13 * 13 * 32 * (3 * 3 * 32)
    dense = 6 * 6 * 32 * 512 + 512
    assert operations("base") == 2 * (convolutions + dense) == 5_850_880


def test_a_mirror_image_doubles_all_but_the_last_layer():
    once, twice = (operations("modern", served=True, predict_flips=flips) for flips in (False, True))
    assert twice == 2 * once - 2 * 64  # which sees the average of both


@pytest.mark.parametrize(
    ("backbone", "published"),
    [("MobileNetV2", 300e6), ("Xception", 8.4e9)],  # multiply-adds at 224 and 299 pixels
)
def test_those_of_backbones_are_the_published_ones(backbone, published):
    model = getattr(keras.applications, backbone)(weights=None)
    assert count_operations(model) == pytest.approx(2 * published, rel=0.01)
    image = keras.Input(model.input_shape[1:])
    assert count_operations(keras.Model(image, [model(image), model(image)])) == 2 * count_operations(model)
