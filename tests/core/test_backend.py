"""Keras' configuration file, and the backend that it names."""

import importlib.util
import json
import runpy
import sys

import keras
import mlflow
import pandas as pd
import pytest

from cifake.core.backend import keras_backend
from cifake.core.errors import ConfigError
from cifake.tracking.identity import code_version
from tests.support.project import QUICK, train

HOSTILE = {"floatx": "float16", "epsilon": 1e-2, "image_data_format": "channels_first"}


@pytest.fixture
def keras_home(tmp_path, monkeypatch):
    """An empty KERAS_HOME in a process that has not imported Keras."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.delitem(sys.modules, "keras")
    return tmp_path


def backend_of_keras(monkeypatch):
    """What Keras' own code makes of the environment."""
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "keras", keras)
        return runpy.run_path(keras.src.backend.config.__file__)["_BACKEND"]


@pytest.mark.parametrize(
    ("file", "variable", "expected"),
    [
        (None, None, "tensorflow"),
        ('{"backend": "jax"}', None, "jax"),
        ('{"backend": "jax"}', "torch", "torch"),
        ('{"backend": "jax"}', "", "jax"),
        ('{"floatx": "float16"}', None, "tensorflow"),
        ("no json", None, "tensorflow"),
    ],
)
def test_the_backend_is_the_one_that_keras_chooses(keras_home, monkeypatch, file, variable, expected):
    if file:
        (keras_home / "keras.json").write_text(file)
    if variable is not None:
        monkeypatch.setenv("KERAS_BACKEND", variable)
    assert keras_backend() == expected == backend_of_keras(monkeypatch)


def test_where_keras_is_imported_it_is_asked(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert keras_backend() == keras.backend.backend()


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        ("theano", "KERAS_BACKEND: expected tensorflow, jax, torch, received 'theano'"),
        ("numpy", "KERAS_BACKEND: expected tensorflow, jax, torch, received 'numpy'"),
        pytest.param(
            "jax", "Keras' backend jax is not installed",
            marks=pytest.mark.skipif(bool(importlib.util.find_spec("jax")), reason="jax is installed"),
        ),
    ],
)  # fmt: skip
def test_a_backend_that_cannot_be_used_is_named(keras_home, monkeypatch, backend, message):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    code_version.cache_clear()
    with pytest.raises(ConfigError, match=message):
        code_version()
    code_version.cache_clear()


def test_the_configuration_of_keras_does_not_change_scores(finished, tmp_path):
    _, folder, _ = finished
    (tmp_path / "keras.json").write_text(json.dumps(HOSTILE))
    limits = {"KERAS_HOME": str(tmp_path), "KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "1"}
    address = f"sqlite:///{tmp_path}/mlflow.db"
    done = train(*QUICK, "--seed", "3", cwd=tmp_path, MLFLOW_TRACKING_URI=address, **limits)
    assert done.returncode == 0, done.stderr
    files = [next(place.glob("mlruns/**/predictions.parquet")) for place in (folder, tmp_path)]
    pd.testing.assert_frame_equal(*map(pd.read_parquet, files), check_exact=True)


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_a_variant_trains_on_each_backend(tmp_path, backend):
    if not importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    address = f"sqlite:///{tmp_path}/mlflow.db"
    recipe = [
        *QUICK,
        "--model.batch_norm=true",
        "--ema=0.9",
        "--augmentation.cutmix=1",
        "--predict_flips=true",
    ]
    variables = {"KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    done = train(*recipe, cwd=tmp_path, MLFLOW_TRACKING_URI=address, **variables)
    assert done.returncode == 0, done.stderr
    (run,) = mlflow.MlflowClient(address).search_runs(["1"])
    assert run.data.metrics["test/loss"] > 0
    assert f"{backend} " in run.data.tags["libraries"]
    assert run.data.tags["device"] == "CPU"
