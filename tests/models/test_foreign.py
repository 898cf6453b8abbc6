"""Models of other projects: as a notebook makes them, with x/255 and REAL as 1."""

import re

import keras
import numpy as np
import pytest

from cifake.core.errors import RunError
from cifake.data import load
from cifake.evaluation.scoring import predict
from cifake.explain.gradcam import GradCam
from cifake.tracking.model_form import ModelForm
from cifake.tracking.resolved_model import find_model

layers = keras.layers
SCALED = {"0..1": lambda x: x / 255, "-1..1": lambda x: x / 127.5 - 1, "0..255": lambda x: x / 1}


def network(*head):
    keras.utils.set_random_seed(0)
    body = [
        layers.Conv2D(8, 3, activation="relu"), layers.MaxPooling2D(4),
        layers.Conv2D(8, 3, activation="relu"), layers.Flatten(),
    ]  # fmt: skip
    return keras.Sequential([keras.Input((32, 32, 3)), *body, *head])


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """A model file of another project, and the share of test images that it judges rightly."""
    data, model = load("demo", "small"), network(layers.Dense(1, activation="sigmoid"))
    model.compile(keras.optimizers.Adam(0.002), "binary_crossentropy", metrics=["accuracy"])
    model.fit(data.train.images / 255, 1 - data.train.labels, epochs=12, verbose=0)
    file = tmp_path_factory.mktemp("notebook") / "model.h5"
    model.save(file)
    return file, model.evaluate(data.test.images / 255, 1 - data.test.labels, verbose=0)[1]


def test_a_notebook_s_file_is_right_as_often_as_its_author_saw(notebook):
    file, accuracy = notebook
    test = load("demo", "small").test
    model = find_model(str(file), ModelForm(scale="0..1", positive="REAL")).load()
    found = np.mean((predict(model, test.images) >= 0.5) == test.labels)
    assert found == pytest.approx(accuracy, abs=0.002)
    assert found > 0.65
    evidence, scores = GradCam(model)(test.images[:4])
    assert evidence.shape == (4, 5, 5)
    assert np.allclose(scores, predict(model, test.images[:4]), atol=1e-5)


@pytest.mark.parametrize("form", [{}, {"scale": "0..1"}, {"positive": "FAKE"}])
def test_a_notebook_s_file_is_refused_until_scale_and_label_are_said(notebook, form):
    expected = (
        "a model of another project; say which pixel values it was trained on and which label it calls 1"
    )
    with pytest.raises(RunError, match=re.escape(f"model.h5: {expected}, such as scale=0..1 positive=REAL")):
        find_model(str(notebook[0]), ModelForm(**form)).load()


@pytest.mark.parametrize("scale", SCALED)
@pytest.mark.parametrize("positive", ["REAL", "FAKE"])
@pytest.mark.parametrize(
    "head",
    [
        [layers.Dense(1, activation="sigmoid", use_bias=False)],
        [layers.Dense(1, bias_initializer="ones"), layers.Activation("sigmoid")],
        [layers.Dense(2, activation="softmax", bias_initializer="normal")],
    ],
    ids=["sigmoid", "activation", "softmax"],
)
def test_scores_are_the_model_s_own_of_fake(tmp_path, scale, positive, head):
    original = network(*(layer.from_config(layer.get_config()) for layer in head))
    original.save(tmp_path / "model.keras")
    images = load("demo", "small").test.images[:50]
    expected = original.predict(SCALED[scale](images.astype("float32")), verbose=0)[:, -1]
    found = find_model(str(tmp_path / "model.keras"), ModelForm(scale=scale, positive=positive)).load()
    assert np.allclose(predict(found, images), expected if positive == "FAKE" else 1 - expected, atol=1e-5)


def image_model(*head, side=32, dtype="float32"):
    pixels = keras.Input((side, side, 3), dtype=dtype)
    outputs = [layer(layers.GlobalAveragePooling2D()(pixels)) for layer in head]
    return keras.Model(pixels, outputs if len(outputs) > 1 else outputs[0])


SIGMOID = layers.Dense(1, activation="sigmoid")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: image_model(layers.Dense(1)), "1 output(s) and activation linear; its scores are"),
        (lambda: image_model(layers.Dense(10, activation="softmax")), "10 output(s) and activation softmax"),
        (lambda: image_model(layers.Dense(2, activation="sigmoid")), "2 output(s) and activation sigmoid"),
        (lambda: image_model(SIGMOID, side=224), "received one from (None, 224, 224, 3) to (None, 1)"),
        (lambda: image_model(SIGMOID, SIGMOID), "one from (None, 32, 32, 3) to [(None, 1), (None, 1)]"),
        (lambda: image_model(SIGMOID, dtype="uint8"), "scale=0..255, as the model takes whole numbers"),
    ],
)  # fmt: skip
def test_scores_that_are_no_probabilities_and_other_inputs_are_refused(tmp_path, model, message):
    keras.backend.clear_session()
    model().save(tmp_path / "model.keras")
    with pytest.raises(RunError, match=re.escape(message)) as raised:
        find_model(str(tmp_path / "model.keras"), ModelForm(scale="0..1", positive="REAL")).load()
    assert "\n" not in str(raised.value)


def test_another_form_is_another_model_for_a_prediction_that_resumes(notebook):
    forms = [ModelForm(scale="0..1", positive=label) for label in ("REAL", "FAKE")]
    assert len({find_model(str(notebook[0]), form).identity for form in forms}) == 2


def test_a_model_of_this_project_takes_neither(finished):
    (file,) = finished[1].glob("mlruns/*/*/artifacts/export/model.h5")
    with pytest.raises(RunError, match="a model of this project needs no scale and no positive; leave them"):
        find_model(str(file), ModelForm(scale="0..1", positive="REAL")).load()
