"""Trained models by what users call them."""

import keras
import mlflow
import numpy as np
import pandas as pd
import pytest

from cifake.contract import RUN_TAGS
from cifake.core.errors import DataError, RunError
from cifake.data import load
from cifake.tracking.model_form import ModelForm
from cifake.tracking.resolved_model import find_model


@pytest.fixture
def registered(finished, finished_store):
    """The finished run's model as ``detector``, version 1, alias ``champion``."""
    client = mlflow.MlflowClient()
    if not client.search_registered_models("name = 'detector'"):
        mlflow.register_model(f"runs:/{finished[0].info.run_id}/model", "detector")
        client.set_registered_model_alias("detector", "champion", "1")


def scores(model):
    return model.predict(np.asarray(load("demo", "small").test.images), verbose=0)[:, 0]


def test_every_form_finds_the_same_run(finished, registered):
    run_id = finished[0].info.run_id
    for reference in (run_id, "base", "models:/detector@champion", "models:/detector/1"):
        found = find_model(reference)
        assert found.run.info.run_id == run_id
        assert found.name == f"demo: base seed 3 (run {run_id})"  # no score of CIFAKE


@pytest.mark.parametrize("variant", ["base", "o'brien", 'a "b"'])
def test_of_a_variant_the_newest_finished_run(store, variant):
    tags = dict.fromkeys(RUN_TAGS, "x") | {"variant": variant}
    with mlflow.start_run(tags=tags) as older:
        mlflow.log_param("seed", 0)
    with mlflow.start_run(tags=tags) as newer:
        mlflow.log_param("seed", 1)
    mlflow.MlflowClient().create_run(older.info.experiment_id, tags=tags)  # not finished
    assert find_model(variant).run.info.run_id == newer.info.run_id


def test_a_run_and_an_exported_file_give_the_logged_scores(finished, finished_store):
    run, folder, _ = finished
    artifacts = folder / "mlruns" / run.info.experiment_id / run.info.run_id / "artifacts"
    expected = pd.read_parquet(artifacts / "predictions.parquet")["score"]
    file = find_model(str(artifacts / "export" / "model.h5"))
    assert file.run is None
    assert np.allclose(scores(file.load()), expected, atol=1e-6)
    assert np.allclose(scores(find_model(run.info.run_id).load()), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("bass", "no finished run of a variant 'bass' in sqlite"),
        ("0" * 32, "(Run with id=00000000000000000000000000000000 not found)"),
        ("models:/detector", "expected a run id, a variant, models:/<name>@<alias>"),
        ("models:/nothing@champion", "what was asked for (Registered Model with name=nothing not found)"),
        ("models:/detector/7", "what was asked for (Model Version (name=detector, version=7) not found)"),
        ("model.h5", "there is no model file model.h5"),
    ],
)
def test_what_is_not_there_is_named(registered, reference, message):
    with pytest.raises(RunError) as raised:
        find_model(reference)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_run_without_a_model_is_refused(store):
    with mlflow.start_run() as run:
        pass
    with pytest.raises(RunError, match="holds no trained model: expected a finished run of a variant"):
        find_model(run.info.run_id)


def test_a_run_of_another_project_is_found_by_its_id_and_has_no_data(store):
    with mlflow.start_run(tags={"variant": "base"}) as run:
        mlflow.log_param("epochs", 3)
    with pytest.raises(RunError, match="no finished run of a variant 'base'"):
        find_model("base")
    model = find_model(run.info.run_id)
    assert model.name == f"base (run {run.info.run_id})"
    with pytest.raises(DataError, match="a run of another project, which does not say what it was tested on"):
        model.load_test_part()


def test_a_registered_version_is_that_model_of_its_run(store):
    inputs = keras.Input((32, 32, 3))
    models = [
        keras.Model(
            inputs, keras.layers.Dense(1, "sigmoid", bias_initializer=bias)(keras.layers.Flatten()(inputs))
        )
        for bias in ("zeros", "ones")
    ]
    with mlflow.start_run(tags={"variant": "theirs"}):
        mlflow.keras.log_model(models[0], name="model")
        mlflow.keras.log_model(models[1], name="best", registered_model_name="theirs")
    found = find_model("models:/theirs/1", ModelForm(scale="0..1", positive="FAKE"))
    black = np.zeros((1, 32, 32, 3), np.uint8)
    assert found.load().predict(black, verbose=0)[0, 0] == pytest.approx(1 / (1 + np.exp(-1)))


def test_a_registered_version_without_a_run_is_refused(store, tmp_path):
    client = mlflow.MlflowClient()
    client.create_registered_model("loose")
    client.create_model_version("loose", str(tmp_path))
    with pytest.raises(RunError, match="expected a model that a run has logged, models:/loose/1 names none"):
        find_model("models:/loose/1")


def test_a_model_of_another_flavour_is_refused(store):
    with mlflow.start_run(tags={"variant": "theirs"}) as run:
        mlflow.pyfunc.log_model(name="model", python_model=identity, pip_requirements=[])
    with pytest.raises(RunError, match=r"cannot be loaded \(mlflow\.keras has not logged it\)"):
        find_model(run.info.run_id).load()


def identity(model_input: list[str]) -> list[str]:
    return model_input


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "broken.keras").write_bytes(b"no model")
    with pytest.raises(RunError, match=r"broken\.keras cannot be loaded"):
        find_model(str(tmp_path / "broken.keras")).load()
    inputs = keras.Input((8,))
    keras.Model(inputs, keras.layers.Dense(1)(inputs)).save(tmp_path / "dense.keras")
    with pytest.raises(RunError, match=r"received one from \(None, 8\) to \(None, 1\)"):
        find_model(str(tmp_path / "dense.keras")).load()
