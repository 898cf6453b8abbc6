"""Models on backbones of keras.applications, with random weights: none are at hand in a test."""

import os
import re
import shutil
import subprocess
import sys

import keras
import mlflow
import numpy as np
import pytest

from cifake.config import load
from cifake.core.errors import ConfigError
from cifake.models import backbone as backbones
from cifake.models import build_model, serving_model
from tests.support.project import EXPERIMENTS, REPOSITORY

# A small backbone for tests of what holds for any.
SMALL = {"model.backbone": "MobileNetV2", "model.weights": "none", "model.image_size": 32}


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


def build(variant="resnet50", **overrides):
    return build_model(load(EXPERIMENTS / f"{variant}.yaml", {**SMALL, **overrides}))


def backbone_of(model):
    (found,) = (layer for layer in model.layers if isinstance(layer, keras.Model))
    return found


def names(model):
    return [type(layer).__name__ for layer in model.layers]


def test_mobilenet_v2_has_the_layers_that_were_published():
    model = build("mobilenet_v2", **{"model.image_size": 160})
    assert names(model) == [
        "InputLayer", "Rescaling", "Resizing", "RandomAffine", "Conv2D", "Functional",
        "GlobalAveragePooling2D", "Dense", "Dropout", "Dense",
    ]  # fmt: skip
    assert backbone_of(model).input_shape == (None, 160, 160, 3)
    # 2,257,984 in the backbone, 12 fixed ones in the preprocessing, 1281*128 and 129 in the head
    assert model.count_params() == 2_257_984 + 12 + 1281 * 128 + 129
    trained = [layer for layer in backbone_of(model).layers if layer.trainable]
    assert trained == backbone_of(model).layers[-30:]


def test_resnet50_has_the_layers_that_were_published():
    settings = load(EXPERIMENTS / "resnet50.yaml", {"model.weights": "none"})
    model = build_model(settings)
    assert names(model) == [
        "InputLayer", "Rescaling", "Conv2D", "InferenceMode", "GlobalAveragePooling2D", "BatchNormalization",
        "Dense", "Dropout", "Dense", "Dense",
    ]  # fmt: skip
    assert not backbone_of(model).trainable_weights
    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert [layer.units for layer in dense] == [256, 64, 1]
    assert dense[0].kernel_regularizer.l2 == pytest.approx(0.01)
    assert dense[1].kernel_regularizer is None


@pytest.mark.parametrize(("given", "trained"), [(0, 0), (30, 30), ("all", 154)])
def test_trainable_layers_count_from_the_end(given, trained):
    layers = backbone_of(build(**{"model.trainable_layers": given})).layers
    assert [layer.trainable for layer in layers] == [False] * (154 - trained) + [True] * trained


@pytest.mark.parametrize(("given", "trained"), [("none", 30), ("pretrained.weights.h5", 0)])
def test_batch_normalisation_keeps_its_statistics_where_it_should(tmp_path, images, given, trained):
    """Training on a batch moves the statistics of trained layers, but never those of pretrained weights."""
    if given != "none":
        donor = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(32, 32, 3))
        given = str(tmp_path / given)
        donor.save_weights(given)
    model = build(**{"model.trainable_layers": 30, "model.weights": given})
    kernels = [np.array(weight) for weight in backbone_of(model).trainable_weights]
    kind = keras.layers.BatchNormalization
    before = {x.name: np.array(x.moving_mean) for x in backbone_of(model).layers if isinstance(x, kind)}
    model.compile("sgd", "binary_crossentropy")
    model.train_on_batch(images, np.ones(6))
    moved = {
        x.name for x in backbone_of(model).layers
        if isinstance(x, kind) and not np.array_equal(before[x.name], x.moving_mean)
    }  # fmt: skip
    layers = backbone_of(model).layers
    assert moved == {x.name for x in layers[len(layers) - trained :] if isinstance(x, kind)}
    assert bool(moved) == bool(trained)
    changed = [np.any(a != b) for a, b in zip(kernels, backbone_of(model).trainable_weights, strict=True)]
    assert sum(changed) > 10


def test_a_frozen_backbone_drops_nothing_while_the_head_is_trained(images):
    """EfficientNet drops whole branches while it is trained."""
    changes = {"model.backbone": "EfficientNetV2B0", "model.dropout": 0.0, "model.batch_norm": False}
    model = build(**changes)
    assert np.array_equal(model(images, training=True), model(images, training=False))
    free = build(**changes, **{"model.trainable_layers": "all"})
    assert not np.array_equal(free(images, training=True), free(images, training=False))


@pytest.mark.parametrize("name", ["MobileNetV2", "ResNet50", "DenseNet121", "EfficientNetV2B0"])
def test_preprocessing_is_the_backbone_s_own(name):
    """One of each kind that Keras has: to -1..1, BGR less a mean, to a mean and deviation, none."""
    module = sys.modules[getattr(keras.applications, name).__module__]
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3)).astype("float32")
    expected = module.preprocess_input(pixels.copy())
    assert np.allclose(backbones.preprocessing(name)(pixels), expected, atol=1e-5)


def test_the_model_has_the_keras_way_to_a_backbone_inside(images):
    """Resize, preprocess, backbone, pool: by hand, with Keras' own functions."""
    model = build(**{"model.image_size": 64})
    resized = keras.ops.image.resize(images.astype("float32"), (64, 64))
    maps = backbone_of(model)(keras.applications.mobilenet_v2.preprocess_input(np.array(resized)))
    expected = np.mean(maps, axis=(1, 2))
    features = keras.Model(model.input, model.get_layer("features").output).predict(images, verbose=0)
    assert np.abs(features - expected).max() < 1e-4 * expected.max()
    assert expected.max() > 0


@pytest.mark.parametrize(("name", "size"), [("MobileNetV2", 224), ("EfficientNetV2B1", 240)])
def test_the_default_size_is_keras_own(name, size):
    assert backbones.default_size(name) == size


def test_weights_from_a_file(tmp_path, images):
    donor = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(32, 32, 3))
    donor.save_weights(tmp_path / "some.weights.h5")
    model = build(**{"model.weights": str(tmp_path / "some.weights.h5")})
    for given, read in zip(donor.get_weights(), backbone_of(model).get_weights(), strict=True):
        assert np.array_equal(given, read)
    settings = load(EXPERIMENTS / "resnet50.yaml", SMALL)
    serving = serving_model(model, settings)
    assert np.array_equal(model.predict(images, verbose=0), serving.predict(images, verbose=0))


def test_weights_that_do_not_fit_are_refused_in_one_line(tmp_path, recwarn):
    other = keras.applications.MobileNet(weights=None, include_top=False, input_shape=(32, 32, 3))
    other.save_weights(tmp_path / "other.weights.h5")
    (tmp_path / "text.weights.h5").write_text("no weights")
    for file in ("other.weights.h5", "text.weights.h5"):
        with pytest.raises(
            ConfigError, match="expected weights of MobileNetV2 without its classifier"
        ) as error:
            build(**{"model.weights": str(tmp_path / file)})
        assert "\n" not in str(error.value)
    assert not [warning for warning in recwarn if "Skipping" in str(warning.message)]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"model.backbone": "MobileNet_V2"}, "has no 'MobileNet_V2'; did you mean 'MobileNetV2'?"),
        ({"model.weights": "nowhere.h5"}, "expected weights of MobileNetV2 .*, nowhere.h5 cannot be loaded"),
        (
            {"model.trainable_layers": 155},
            "at most the 154 layers of MobileNetV2, or all, received 155",
        ),
        ({"model.image_size": 16}, "MobileNetV2 refuses 16 .Input size must be at least 32x32"),
    ],
)
def test_a_bad_backbone_is_refused(overrides, message):
    with pytest.raises(ConfigError, match=message):
        build(**overrides)


def test_without_a_network_the_command_asks_for_a_file_within_seconds(tmp_path):
    """A proxy that is not there stands for the missing network on any machine."""
    command = [sys.executable, "-m", "cifake.train", str(EXPERIMENTS / "resnet50.yaml"), "dataset=demo"]
    proxy = "http://127.0.0.1:9"
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "http_proxy": proxy, "https_proxy": proxy,
                   "PYTHONPATH": str(REPOSITORY)}  # fmt: skip
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        timeout=180,  # nearly all of it starts TensorFlow
    )  # fmt: skip
    assert done.returncode == 2
    assert re.fullmatch(
        r"error: model.weights: the ImageNet weights of ResNet50 cannot be downloaded \(.*\); "
        r"pass -P model.weights=<file>",
        done.stderr.splitlines()[-1],
    )
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "mlflow.db").exists()


@pytest.mark.parametrize("form", ["keras", "h5"])
def test_a_serving_model_can_be_saved_in_both_formats(tmp_path, images, form):
    settings = load(EXPERIMENTS / "mobilenet_v2.yaml", SMALL)
    model = serving_model(build_model(settings), settings)
    model.save(tmp_path / f"model.{form}")
    again = keras.models.load_model(tmp_path / f"model.{form}")
    assert np.array_equal(model.predict(images, verbose=0), again.predict(images, verbose=0))


def test_a_variant_that_was_not_there_is_a_file_and_a_stanza_alone(tmp_path, store):
    """EfficientNetV2B0: no line of Python, no table of sizes or preprocessing names it."""
    assert "EfficientNet" not in "".join(path.read_text() for path in (REPOSITORY / "cifake").rglob("*.py"))
    project = tmp_path / "project"
    project.mkdir()
    (project / "cifake").symlink_to(REPOSITORY / "cifake")
    shutil.copytree(EXPERIMENTS, project / "experiments")
    (project / "experiments" / "efficient.yaml").write_text(
        "extends: mobilenet_v2.yaml\n"
        "model: {backbone: EfficientNetV2B0, weights: none, image_size: 32, trainable_layers: 5}\n"
    )
    shutil.copy(REPOSITORY / "conda.yaml", project)
    stanza = "  efficient:\n    command: python -m cifake.train experiments/efficient.yaml\n"
    (project / "MLproject").write_text((REPOSITORY / "MLproject").read_text() + stanza)
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "run",
        str(project),
        "-e",
        "efficient",
        "--env-manager",
        "local",
    ]
    for word in ("dataset=demo", "split=small", "epochs=1", "steps_per_epoch=1", "validation_steps=1"):
        command += ["-P", word]
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "MLFLOW_EXPERIMENT_NAME": "cifake"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (run,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert run.data.tags["variant"] == "efficient"
    assert run.data.params["model.backbone"] == "EfficientNetV2B0"
    assert run.data.metrics["test/accuracy"] > 0
    # 5,919,312 of the backbone, 12 of its preprocessing, 1281*128 and 129 of the head
    assert run.data.metrics["cost/parameters"] == 5_919_312 + 12 + 1281 * 128 + 129
