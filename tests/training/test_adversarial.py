"""Training on attacked images."""

import sys

import keras
import numpy as np
import pytest

from cifake.config import AdversarialSettings
from cifake.config import load as load_settings
from cifake.core.errors import ConfigError, exit_code
from cifake.data import load
from cifake.evaluation.metrics import decide
from cifake.evaluation.scoring import predict
from cifake.models import build_model
from cifake.robustness.attacks import Attacker
from cifake.train.__main__ import main
from cifake.training import fit
from cifake.training.adversarial import against_attacks
from cifake.training.frozen_features import is_fixed
from tests.support.project import EXPERIMENTS
from tests.support.training import SMALL, train_in_pieces

ATTACK = {"adversarial": {"attack": "fgsm", "epsilon": 2.0}}


@pytest.fixture(scope="module")
def data():
    return load("demo", "small")


def trained(data, **overrides):
    settings = load_settings(EXPERIMENTS / "base.yaml", {**SMALL, **overrides})
    keras.utils.set_random_seed(settings.seed)
    model = build_model(settings)
    fitted = fit(model, data, settings, lambda *_: None)
    return model, fitted


@pytest.mark.parametrize(("attack", "steps"), [("fgsm", 1), ("pgd", 5)])
def test_what_is_trained_on_lies_within_epsilon_and_is_worse(data, attack, steps):
    keras.utils.set_random_seed(0)
    model = build_model(load_settings(EXPERIMENTS / "base.yaml", SMALL))
    training = against_attacks(model, AdversarialSettings(attack=attack, epsilon=3.0, steps=steps))
    images, labels = np.asarray(data.train.images[:64]), data.train.labels[:64].astype("float32")
    found = np.asarray(training.attack(images, labels))
    assert np.abs(found - images).max() == pytest.approx(3, abs=1e-4)
    assert 0 <= found.min() < found.max() <= 255
    before, after = predict(model, images), training.predict_on_batch(found)[:, 0]
    worse = np.where(labels == 1, before - after, after - before)
    assert worse.mean() > 0
    assert (worse > 0).mean() > 0.9
    assert training.trainable_weights[0] is model.trainable_weights[0]


def test_it_makes_the_model_more_robust(data):
    much = {"model.filters": [8], "model.dense": [16], "model.dropout": 0.0, "epochs": 12,
            "learning_rate": 0.003, "steps_per_epoch": 25}  # fmt: skip
    test = data.test
    left = {}
    for name, overrides in (("clean", {}), ("attacked", {"adversarial": {"attack": "fgsm", "epsilon": 8.0}})):
        model, _ = trained(data, **much, **overrides)
        images = Attacker(model, test.images[:200], test.labels[:200], 100).pgd(
            8, 5, np.random.default_rng(0)
        )
        left[name] = (decide(predict(model, images)) == test.labels[:200]).mean()
    assert left["attacked"] > left["clean"] + 0.15


def test_a_training_that_was_stopped_ends_as_if_it_had_not_been(data, tmp_path):
    overrides = {**ATTACK, "epochs": 4, "learning_rate": 0.1}
    whole, fitted = trained(data, **overrides)
    pieces, again, _ = train_in_pieces(data, tmp_path / "state.npz", (2,), **overrides)
    assert again.history == fitted.history
    for one, two in zip(whole.get_weights(), pieces.get_weights(), strict=True):
        assert np.array_equal(one, two)
    assert trained(data, **{**overrides, "seed": 5})[1].history != fitted.history


def test_features_of_a_frozen_backbone_are_not_kept(data):
    assert is_fixed(load_settings(EXPERIMENTS / "resnet50.yaml"))
    assert not is_fixed(load_settings(EXPERIMENTS / "resnet50.yaml", ATTACK))


def test_other_backends_are_refused_before_data_is_read(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "keras", raising=False)  # as a command starts
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("CIFAKE_DATA", "/nowhere")
    assert exit_code(lambda: main([str(EXPERIMENTS / "adversarial.yaml")])) == 2
    assert capsys.readouterr().err == (
        "error: KERAS_BACKEND: expected tensorflow for adversarial training, received 'torch'\n"
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"adversarial": {"attack": "cw", "epsilon": 2}}, "adversarial.attack: expected 'fgsm' or 'pgd'"),
        (
            {"adversarial.epsilon": 0, "adversarial.attack": "pgd"},
            "adversarial.epsilon: expected greater than 0",
        ),
        ({"augmentation.jpeg": 1.0}, "augmentation.jpeg: expected less than 1"),
    ],
)
def test_settings_out_of_range(override, message):
    with pytest.raises(ConfigError, match=message):
        load_settings(EXPERIMENTS / "base.yaml", override)
