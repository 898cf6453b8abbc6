"""The average of weights and the batch statistics that fit it, computed by hand."""

import keras
import numpy as np
import pytest

from cifake.config import load as load_settings
from cifake.data import load
from cifake.models import build_model
from cifake.training import fit
from cifake.training.averaging import estimate_batch_statistics
from tests.support.project import EXPERIMENTS
from tests.support.training import train_in_pieces

TINY = {
    "model.stem": 4, "model.filters": [4], "model.downsample": True, "epochs": 2, "steps_per_epoch": 3,
    "validation_steps": 2, "augmentation.cutmix": 0.0, "augmentation.horizontal_flip": False,
    "augmentation.crop": 0, "label_smoothing": 0.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def data():
    return load("demo", "small")


def train(data, **overrides):
    """A model, its training, and its trainable weights as each epoch's metrics have them."""
    settings = load_settings(EXPERIMENTS / "modern.yaml", {**TINY, **overrides})
    keras.utils.set_random_seed(0)
    model = build_model(settings)
    weights = []

    def on_epoch_end(epoch, metrics):
        weights.append([np.array(variable) for variable in model.trainable_variables])

    return model, fit(model, data, settings, on_epoch_end), weights


def test_an_epoch_is_scored_with_the_average_and_trained_without_it(data):
    """Epochs of one step: the weights of a training without averaging are those of every step."""
    short = {"steps_per_epoch": 1, "epochs": 5, "restore_best_weights": False}
    _, plain, steps = train(data, **short, ema=0.0)
    model, averaged, averages = train(data, **short, ema=0.75)
    expected = steps[0]
    for of_step, average in zip(steps, averages, strict=True):
        expected = [0.75 * old + 0.25 * new for old, new in zip(expected, of_step, strict=True)]
        assert all(np.allclose(one, two, atol=1e-6) for one, two in zip(average, expected, strict=True))
    assert not all(np.allclose(one, two) for one, two in zip(averages[-1], steps[-1], strict=True))
    for kept, average in zip(model.trainable_variables, averages[-1], strict=True):
        assert np.array_equal(kept, average)
    losses = [[epoch["train/loss"] for epoch in fitted.history] for fitted in (plain, averaged)]
    assert losses[0] == losses[1]
    assert plain.history[-1]["val/loss"] != averaged.history[-1]["val/loss"]


def test_what_is_kept_has_the_batch_statistics_of_its_own_weights(data):
    """Estimating them once more changes nothing."""
    model, _, _ = train(data, ema=0.75, restore_best_weights=False)
    kept = model.get_weights()
    images = np.asarray(data.train.images)
    estimate_batch_statistics(model, [images[start : start + 200] for start in range(0, len(images), 200)])
    assert all(np.allclose(one, two, rtol=1e-4) for one, two in zip(kept, model.get_weights(), strict=True))


@pytest.mark.parametrize("restore", [True, False])
def test_the_scores_of_an_epoch_are_those_of_the_model_that_is_kept(data, restore):
    model, fitted, _ = train(data, ema=0.5, restore_best_weights=restore)
    epoch = fitted.history[fitted.best_epoch if restore else -1]
    scores = model.predict(data.validation.images[:64], verbose=0)[:, 0]
    loss = -np.mean(np.log(np.where(data.validation.labels[:64] == 1, scores, 1 - scores)))
    assert loss == pytest.approx(epoch["val/loss"], rel=1e-4)


def test_batch_statistics_are_the_mean_over_batches_and_nothing_else_changes():
    keras.utils.set_random_seed(0)
    pixels = keras.Input((3,))
    x = keras.layers.BatchNormalization(center=False, scale=False, momentum=0.9)(pixels)
    model = keras.Model(pixels, keras.layers.Dropout(0.5)(x))
    batches = [np.random.default_rng(n).normal(n, 1 + n, (50, 3)).astype("float32") for n in range(3)]
    before = [np.array(variable) for variable in model.variables]
    estimate_batch_statistics(model, batches)
    layer = model.layers[1]
    assert np.allclose(
        layer.moving_mean, np.mean([batch.mean(axis=0) for batch in batches], axis=0), atol=1e-5
    )
    assert np.allclose(
        layer.moving_variance, np.mean([batch.var(axis=0) for batch in batches], axis=0), atol=1e-4
    )
    assert layer.momentum == 0.9
    statistics = (layer.moving_mean.path, layer.moving_variance.path)
    for variable, value in zip(model.variables, before, strict=True):
        assert variable.path in statistics or np.array_equal(variable, value)


# All that today's recipe adds: its state has to be in the checkpoint, or to follow from the epoch's number.
ALL = {
    "model": {"builder": "residual", "stem": 4, "filters": [4], "dropout": 0.2}, "epochs": 5,
    "augmentation": {"horizontal_flip": "alternating", "crop": 2, "cutout": 4, "cutmix": 1.0, "mixup": 0.2,
                     "cutmix_probability": 0.5, "mixup_probability": 0.3, "noise": 0.05},
    "label_smoothing": 0.1, "optimizer": "adamw", "weight_decay": 0.05, "clipnorm": 1.0, "ema": 0.8,
    "schedule": {"kind": "cosine", "warmup_epochs": 1.5},
}  # fmt: skip


@pytest.mark.parametrize("restore", [True, False])
def test_a_training_that_was_stopped_ends_as_if_it_had_not_been(data, tmp_path, restore):
    overrides = {**ALL, "restore_best_weights": restore}
    whole, resumed = (
        train_in_pieces(data, tmp_path / f"{len(stops)}.npz", stops, **overrides) for stops in ((), (1, 3))
    )
    assert resumed[1].history == whole[1].history
    assert [epoch for epoch, _ in resumed[2]] == [3, 4]
    # A training that had ended already is not trained on, and gives the same model.
    ended = train_in_pieces(data, tmp_path / "2.npz", (), **overrides)
    for model in (resumed[0], ended[0]):
        for one, two in zip(whole[0].get_weights(), model.get_weights(), strict=True):
            assert np.array_equal(one, two)
