"""FGSM and PGD: within their ball, as strong as an independent library's, not fooled by saturation."""

import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from cifake.config import load as load_settings
from cifake.core.errors import RunError
from cifake.data import load
from cifake.evaluation.metrics import decide
from cifake.evaluation.scoring import predict
from cifake.models import build_model
from cifake.robustness.attacks import Attacker
from cifake.robustness.options import RobustnessOptions
from cifake.robustness.perturbed import PerturbedTestSet
from cifake.training import fit
from tests.support.project import EXPERIMENTS, REPOSITORY

COUNT = 200


@pytest.fixture(scope="module")
def trained():
    """A small model that is right about most demo images, and test images."""
    data = load("demo", "small")
    small = {"model.filters": [8], "model.dense": [16], "model.dropout": 0.0, "learning_rate": 0.003}
    settings = load_settings(EXPERIMENTS / "base.yaml", {**small, "epochs": 12})
    keras.utils.set_random_seed(0)
    model = build_model(settings)
    fit(model, data, settings, lambda *_: None)
    return model, data.test.first(COUNT)


@pytest.fixture(scope="module")
def attacker(trained):
    model, test = trained
    return Attacker(model, test.images, test.labels, batch=64)  # the last batch is not full


def accuracy(trained, images):
    model, test = trained
    return (decide(predict(model, images)) == test.labels).mean()


def pgd(attacker, epsilon, steps=10, seed=0):
    return attacker.pgd(epsilon, steps, np.random.default_rng(seed))


@pytest.mark.parametrize("epsilon", [1, 8])
def test_no_pixel_moves_further_than_epsilon(trained, attacker, epsilon):
    before = trained[1].images.astype(int)
    for images in (attacker.fgsm(epsilon), pgd(attacker, epsilon)):
        assert images.dtype == np.uint8
        assert np.abs(images - before).max() == epsilon


def test_attacks_break_what_noise_of_their_size_does_not(trained, attacker):
    perturbed = PerturbedTestSet(*trained, RobustnessOptions())
    clean, noise = (accuracy(trained, perturbed.images(name)) for name in ("clean", "random_8"))
    assert clean > 0.6
    assert noise > clean - 0.15
    fgsm, iterated = accuracy(trained, attacker.fgsm(8)), accuracy(trained, pgd(attacker, 8))
    assert iterated <= fgsm < noise - 0.2
    values = [accuracy(trained, pgd(attacker, epsilon)) for epsilon in (1, 2, 4)]
    assert values == sorted(values, reverse=True)


def test_more_steps_never_help_the_model(trained, attacker):
    values = [accuracy(trained, pgd(attacker, 2, steps)) for steps in (1, 5, 10, 40)]
    assert values == sorted(values, reverse=True)


def test_both_labels_are_attacked(trained, attacker):
    labels, right = trained[1].labels, decide(predict(trained[0], trained[1].images)) == trained[1].labels
    after = decide(predict(trained[0], pgd(attacker, 8))) == labels
    for label in (0, 1):
        assert after[labels == label].mean() < right[labels == label].mean() - 0.3


def test_a_saturated_model_is_broken_alike(trained):
    """The published trap: at weights x 50 every probability is 0 or 1, and its gradient is 0."""
    model, test = trained
    sure = keras.models.clone_model(model)
    sure.set_weights(model.get_weights())
    last = sure.layers[-1]
    last.set_weights([50 * weights for weights in last.get_weights()])
    scores = predict(sure, test.images)
    assert np.mean((scores == 0) | (scores == 1)) > 0.5
    attacked = Attacker(sure, test.images, test.labels, batch=64).pgd(4, 10, np.random.default_rng(0))
    assert (decide(predict(sure, attacked)) == test.labels).mean() == pytest.approx(
        accuracy(trained, pgd(Attacker(*trained_arrays(trained), batch=64), 4)), abs=0.02
    )


def trained_arrays(trained):
    model, test = trained
    return model, test.images, test.labels


def test_an_independent_library_agrees(trained, attacker):
    """Foolbox's attacks on the same float model, with our sizes; a point is 2 images of 200."""
    import foolbox
    import tensorflow as tf

    from cifake.models.input_gradient import logits_on_float

    model, test = trained
    logits = logits_on_float(model)
    # Two classes: the softmax of (0, z) is the sigmoid of z.
    classes = foolbox.TensorFlowModel(
        lambda x: tf.concat([tf.zeros((len(x), 1)), logits(x, training=False)], axis=1),
        bounds=(0, 255),
    )
    images, labels = tf.constant(test.images, tf.float32), tf.constant(test.labels, tf.int64)
    step = foolbox.attacks.LinfProjectedGradientDescentAttack(rel_stepsize=0.25, steps=10)
    theirs, ours = {}, {}
    for epsilon in (1, 2, 4, 8):
        (_, found, _) = foolbox.attacks.LinfFastGradientAttack(random_start=False)(
            classes, images, labels, epsilons=epsilon
        )
        theirs["fgsm", epsilon] = accuracy(trained, found.numpy().round().astype(np.uint8))
        (_, found, _) = step(classes, images, labels, epsilons=epsilon)
        theirs["pgd", epsilon] = accuracy(trained, found.numpy().round().astype(np.uint8))
        ours["fgsm", epsilon] = accuracy(trained, attacker.fgsm(epsilon))
        ours["pgd", epsilon] = accuracy(trained, pgd(attacker, epsilon))
    assert ours == pytest.approx(theirs, abs=0.0101)
    assert min(ours.values()) < 0.2 < max(ours.values())


def test_restarts_keep_the_worst(trained):
    one, three = (
        PerturbedTestSet(*trained, RobustnessOptions(restarts=restarts, steps=2)).scores("pgd_1")
        for restarts in (1, 3)
    )
    away = np.where(trained[1].labels == 1, one - three, three - one)
    assert (away >= -1e-6).all()
    assert away.max() > 0


def test_results_do_not_depend_on_the_batch_nor_on_how_many_images_there_are(trained):
    model, test = trained
    whole = PerturbedTestSet(model, test, RobustnessOptions(batch=64)).images("pgd_2")
    few = PerturbedTestSet(model, test.first(30), RobustnessOptions(batch=7)).images("pgd_2")
    assert np.mean(whole[:30] != few) < 0.001


def test_what_was_done_is_reported(trained):
    done = []
    perturbed = PerturbedTestSet(*trained, RobustnessOptions(steps=3, batch=64), done.append)
    for name in ("clean", "pgd_1", "fgsm_2"):
        done.clear()
        perturbed.scores(name)
        assert sum(done) == perturbed.cost(name)
    assert perturbed.cost("pgd_1") == COUNT * (1 + 3 * 3)


def test_a_model_without_a_sigmoid_is_refused():
    pixels = keras.Input((32, 32, 3), dtype="uint8")
    linear = keras.layers.Dense(1, name="odd")(keras.layers.Flatten()(keras.layers.Rescaling(1.0)(pixels)))
    with pytest.raises(
        RunError, match="expected a model that ends in a dense layer with a sigmoid, received 'o"
    ):
        Attacker(keras.Model(pixels, linear), np.zeros((1, 32, 32, 3), np.uint8), np.zeros(1))


ATTACK = """
import cifake.models, keras, numpy as np  # the first registers layers
from cifake.robustness.attacks import Attacker
files = np.load("images.npz")
attacker = Attacker(keras.models.load_model("model.keras"), files["images"], files["labels"], batch=64)
np.savez("attacked.npz", fgsm=attacker.fgsm(2), pgd=attacker.pgd(2, 3, np.random.default_rng(0)))
"""


def test_attacks_on_jax_are_those_on_tensorflow(trained, attacker, tmp_path):
    if not importlib.util.find_spec("jax"):
        pytest.skip("jax is not installed")
    model, test = trained
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "images.npz", images=test.images, labels=test.labels)
    variables = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(REPOSITORY)}
    subprocess.run([sys.executable, "-c", ATTACK], cwd=tmp_path, env=variables, check=True)
    on_jax = np.load(tmp_path / "attacked.npz")
    ours = {"fgsm": attacker.fgsm(2), "pgd": pgd(attacker, 2, steps=3)}
    for name, images in ours.items():  # but for gradients next to zero, whose sign rounding decides
        assert (on_jax[name] == images).mean() > 0.99
