"""A frozen backbone is run once an image, and nothing but the time tells."""

import dataclasses
import os
from pathlib import Path

import keras
import numpy as np
import pytest

from cifake.config import load as load_settings
from cifake.data import Part, load
from cifake.models import build_model
from cifake.training import fit
from cifake.training.frozen_features import is_fixed, on_features
from tests.support.project import EXPERIMENTS

FROZEN = {
    "model.backbone": "MobileNetV2", "model.weights": "none", "model.image_size": 32, "batch_size": 32,
    "epochs": 2,
}  # fmt: skip


@pytest.fixture
def data(tmp_path, monkeypatch):
    """96 and 32 images of the demo set; features go to an empty cache."""
    whole = load("demo", "small")
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / "cache"))

    def first(part, count):
        return Part(part.images[:count], part.labels[:count], part.objects[:count], part.paths[:count])

    parts = {"train": first(whole.train, 96), "validation": first(whole.validation, 32)}
    return dataclasses.replace(whole, **parts, test=first(whole.test, 0))


def build(**overrides):
    settings = load_settings(EXPERIMENTS / "resnet50.yaml", {**FROZEN, **overrides})
    keras.utils.set_random_seed(settings.seed)
    return build_model(settings), settings


def cached():
    return sorted((Path(os.environ["CIFAKE_CACHE"]) / "features").rglob("*.npy"))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_scores_are_those_of_the_slow_way(data, precision):
    histories, scores = [], []
    for cache_features in (True, False):
        model, settings = build(precision=precision)
        fitted = fit(model, data, settings, lambda *_: None, cache_features=cache_features)
        histories.append(fitted.history)
        scores.append(model.predict(data.validation.images, verbose=0))
        assert len(cached()) == 2
    for quick, slow in zip(*histories, strict=True):
        assert quick == pytest.approx(slow, abs=1e-5)
    assert np.allclose(*scores, atol=1e-5)
    assert histories[0][0]["train/loss"] != histories[0][1]["train/loss"]


def test_only_a_fixed_function_of_the_image_is_cached():
    def fixed(variant, **overrides):
        return is_fixed(load_settings(EXPERIMENTS / f"{variant}.yaml", overrides))

    assert fixed("resnet50")
    assert not fixed("base")
    assert not fixed("mobilenet_v2")
    assert not fixed("resnet50", **{"model.trainable_layers": 1})
    assert not fixed("resnet50", **{"model.trainable_layers": "all"})
    assert not fixed("resnet50", **{"augmentation.horizontal_flip": True})


def test_features_are_found_again_and_not_taken_for_others(data):
    def features(changed=None, **overrides):
        model, settings = build(**overrides)
        _, mapped = on_features(model, changed or data, settings)
        return mapped.train.images

    first = features()
    files = cached()
    assert [file.name for file in files] == ["train-96.npy", "validation-32.npy"]
    modified = files[0].stat().st_mtime_ns
    assert np.array_equal(first, features())
    assert (cached(), files[0].stat().st_mtime_ns) == (files, modified)
    assert features(learning_rate=0.1).shape == (96, 1280)
    assert cached() == files  # another head, the same features
    features(seed=1)  # other random weights
    features(**{"model.image_size": 64})
    features(precision="bfloat16")
    features(changed=dataclasses.replace(data, digest="other"))
    assert len(cached()) == 10
    fewer = Part(data.train.images[:40], data.train.labels[:40], data.train.objects, data.train.paths)
    assert len(features(changed=dataclasses.replace(data, train=fewer))) == 40
    assert len(cached()) == 11


def test_a_feature_file_that_was_cut_short_is_not_used(data):
    """A killed process leaves a file of another name."""
    model, settings = build()
    on_features(model, data, settings)
    whole = cached()[0]
    content = whole.read_bytes()
    unfinished = whole.with_name(f"{whole.name}.unfinished")
    whole.rename(unfinished)
    unfinished.write_bytes(content[:1000])
    on_features(model, data, settings)
    assert whole.read_bytes() == content
