"""Learning rates by step, computed by hand."""

import math

import keras
import numpy as np
import pytest

from cifake.config import ScheduleSettings
from cifake.config import load as load_settings
from cifake.models import build_model
from cifake.training.compile import compile_model
from cifake.training.optimizer import make_optimizer, make_schedule
from tests.support.project import EXPERIMENTS


def rates(steps, first_epoch=0, epochs=4, **settings):
    """Rates of a training of 5 steps an epoch, from 0.1."""
    schedule = make_schedule(ScheduleSettings(**settings), 0.1, epochs, 5, first_epoch)
    return [float(schedule(step)) for step in steps]


def cosine(step, steps, last=0.0):
    return 0.1 * ((1 - last) * 0.5 * (1 + math.cos(math.pi * step / steps)) + last)


def test_a_cosine_falls_from_the_rate_to_its_last_fraction():
    steps = (0, 5, 10, 19, 20, 25)
    assert rates(steps, kind="cosine") == pytest.approx(
        [0.1, cosine(5, 20), 0.05, cosine(19, 20), 0, 0], abs=1e-7
    )
    assert rates(steps, kind="cosine", final_fraction=0.2) == pytest.approx(
        [0.1, cosine(5, 20, 0.2), 0.06, cosine(19, 20, 0.2), 0.02, 0.02], abs=1e-7
    )


def test_a_warm_up_rises_linearly_and_the_rest_follows():
    steps = (0, 1, 2, 3, 4, 5, 12, 20)
    warm = {"warmup_epochs": 0.8}  # 4 steps
    risen = [0.025, 0.05, 0.075, 0.1]
    assert rates(steps, kind="constant", **warm) == pytest.approx([*risen, *[0.1] * 4])
    fallen = [cosine(step, 16) for step in (0, 1, 8, 16)]
    assert rates(steps, kind="cosine", **warm) == pytest.approx([*risen, *fallen], abs=1e-7)
    stepped = [0.1, 0.1, 0.05, 0.05]
    assert rates(steps, kind="step", milestones=[2], factor=0.5, **warm) == pytest.approx([*risen, *stepped])


def test_steps_come_with_the_first_batch_after_a_milestone():
    steps = (0, 4, 5, 9, 10, 14, 15, 19, 20)
    assert rates(steps, kind="step", milestones=[1, 3]) == pytest.approx(
        [0.1, 0.1, 0.01, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001]
    )
    assert rates(steps, kind="constant") == pytest.approx([0.1] * 9)


def test_a_training_of_weights_that_were_trained_already_starts_where_that_one_ended():
    assert rates((0, 9), first_epoch=2, kind="cosine") == pytest.approx(
        [cosine(10, 20), cosine(19, 20)], abs=1e-7
    )


def test_a_trial_that_is_shorter_than_its_warm_up_is_all_warm_up():
    assert rates((0, 4), epochs=1, kind="cosine", warmup_epochs=2.0) == pytest.approx([0.01, 0.05])


def optimizer(**overrides):
    return make_optimizer(load_settings(EXPERIMENTS / "base.yaml", overrides), steps_per_epoch=5)


def test_settings_reach_the_optimizer():
    sgd = optimizer(optimizer="sgd", momentum=0.9, nesterov=True, clipnorm=0.5, ema=0.99)
    assert (type(sgd), sgd.momentum, sgd.nesterov) == (keras.optimizers.SGD, 0.9, True)
    assert (sgd.clipnorm, sgd.use_ema, sgd.ema_momentum, sgd.weight_decay) == (0.5, True, 0.99, None)
    assert float(sgd.learning_rate) == pytest.approx(0.01)
    assert float(optimizer(schedule={"kind": "cosine"}).learning_rate) == pytest.approx(0.001)
    assert optimizer(optimizer="adamw").weight_decay == 0.004
    assert optimizer(optimizer="adamw", weight_decay=0.0).weight_decay == 0
    plain = optimizer()
    assert (plain.clipnorm, plain.use_ema, plain.weight_decay) == (None, False, None)


def test_weight_decay_shrinks_kernels_alone():
    """One step of SGD without a gradient: kernels become 1 - 0.1 * 0.5 of themselves."""
    settings = load_settings(
        EXPERIMENTS / "modern.yaml",
        {"optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 0.5, "schedule": None, "ema": 0.0},
    )
    model = build_model(settings)
    compile_model(model, settings)
    variables = model.trainable_variables
    before = [np.array(variable) for variable in variables]
    model.optimizer.apply([np.zeros(variable.shape, "float32") for variable in variables], variables)
    for variable, value in zip(variables, before, strict=True):
        expected = 0.95 * value if variable.name == "kernel" else value
        assert np.allclose(variable, expected, atol=1e-7), variable.path
    assert {variable.name for variable in variables} == {"kernel", "gamma", "beta", "bias"}
