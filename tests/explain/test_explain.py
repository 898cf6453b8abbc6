"""The command: which calls are shown, what a run is given, what is refused."""

import shutil

import mlflow
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cifake.core.errors import ConfigError, DataError, RunError
from cifake.data import load
from cifake.explain.__main__ import main
from cifake.explain.examples import Explained, choose, outcomes
from cifake.explain.summary import describe

FIGURES = {
    "true_REAL.png", "false_REAL.png", "true_FAKE.png", "false_FAKE.png", "mean_maps.png", "border_share.png",
}  # fmt: skip


def test_a_finished_run_gets_figures_arrays_and_metrics_and_stays_finished(finished, finished_store, capsys):
    run_id, client = finished[0].info.run_id, mlflow.MlflowClient()
    before = client.get_run(run_id).info
    main(["run=base"])
    files = {file.path.removeprefix("explanation/") for file in client.list_artifacts(run_id, "explanation")}
    assert files == FIGURES | {"heatmaps.npz", "heat.csv"}
    after = client.get_run(run_id)
    assert (after.info.status, after.info.end_time) == (before.status, before.end_time)
    assert after.data.tags["explained_by"] == "grad_cam of conv2d_1"  # of the serving model

    folder = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="explanation")
    arrays = np.load(f"{folder}/heatmaps.npz")
    test = load("demo", "small").test
    assert arrays["evidence"].shape == (1000, 30, 30)
    assert (arrays["path"].tolist(), arrays["label"].tolist()) == (test.paths.tolist(), test.labels.tolist())
    predictions = pd.read_parquet(
        mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="predictions.parquet")
    )
    assert np.allclose(arrays["score"], predictions["score"], atol=1e-6)
    table = pd.read_csv(f"{folder}/heat.csv")
    assert len(table) == 6  # two labels, of two object classes in the demo images each
    metrics = after.data.metrics
    assert metrics["explain/border_share_FAKE"] == pytest.approx(table.loc[0, "border_share"])
    assert 0 <= metrics["explain/randomised_correlation"] <= 1
    assert (
        f"FAKE {metrics['explain/border_share_FAKE']:.1%}; share of the area 43.8%" in capsys.readouterr().out
    )


@pytest.fixture
def images(tmp_path):
    """A folder of three images."""
    folder = tmp_path / "three"
    (folder / "below").mkdir(parents=True)
    for number, image in enumerate(load("demo", "small").test.images[:3]):
        Image.fromarray(image).save(folder / "below" / f"{number}.png")
    return folder


def test_images_of_a_folder_do_not_change_the_metrics_of_the_run(finished, finished_store, images):
    run_id, client = finished[0].info.run_id, mlflow.MlflowClient()
    before = client.get_run(run_id).data.metrics
    main(["run=base", f"images={images}"])
    files = {file.path for file in client.list_artifacts(run_id, "explanation/three")}
    assert {"explanation/three/heatmaps.npz", "explanation/three/mean_maps.png"} < files
    assert client.get_run(run_id).data.metrics == before


def test_a_name_stands_for_the_same_images(finished, finished_store, images, tmp_path):
    run_id, client = finished[0].info.run_id, mlflow.MlflowClient()
    main(["run=base", f"images={images}", "name=few"])
    main(["run=base", f"images={images}", "name=few", "method=hires_cam"])  # of the same images
    other = shutil.copytree(images, tmp_path / "elsewhere" / "few")
    (other / "below" / "2.png").unlink()
    message = f"demo: base seed 3 \\(run {run_id}\\) has explanation/few/ of other images; give another name="
    with pytest.raises(RunError, match=f"^{message}$"):
        main(["run=base", f"images={other}"])
    main(["run=base", f"images={other}", "name=two images"])
    tags = client.get_run(run_id).data.tags
    assert tags["explanation/few"] != tags["explanation/two images"]
    for name, paths in (("few", ["0.png", "1.png", "2.png"]), ("two images", ["0.png", "1.png"])):
        folder = mlflow.artifacts.download_artifacts(
            run_id=run_id, artifact_path=f"explanation/{name}", dst_path=str(tmp_path)
        )
        assert np.load(f"{folder}/heatmaps.npz")["path"].tolist() == [f"below/{path}" for path in paths]


def test_a_model_file_explains_a_folder_into_a_folder(finished, finished_store, images, tmp_path):
    run, folder, _ = finished
    model = folder / "mlruns" / run.info.experiment_id / run.info.run_id / "artifacts" / "export" / "model.h5"
    output = tmp_path / "new" / "folder"
    main([f"run={model}", f"images={images}", f"output={output}", "method=hires_cam"])
    written = {path.name for path in output.iterdir()}
    assert {"called_REAL.png", "called_FAKE.png", "mean_maps.png", "heatmaps.npz"} < written
    assert not FIGURES & written - {"mean_maps.png", "border_share.png"}
    assert np.load(output / "heatmaps.npz")["path"].tolist() == ["below/0.png", "below/1.png", "below/2.png"]
    assert pd.read_csv(output / "heat.csv")["images"].sum() == 3


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        ([], ConfigError, "run: expected a value, received none"),
        (
            ["run=base", "layers=x"],
            ConfigError,
            "unknown option 'layers'; did you mean 'layer'?",
        ),
        (["run=base", "method=lime"], ConfigError, "expected 'grad_cam' or 'hires_cam', received 'lime'"),
        (["run=nothing"], RunError, "no finished run of a variant 'nothing'"),
        (["run=base", "images=nowhere"], ConfigError, "images: there is no folder nowhere"),
        (["run=base", "name=x"], ConfigError, "name: expected images=<folder> and no output with it"),
        (
            ["run=base", "images=/"],
            ConfigError,
            "name: expected letters, digits, '_', '-', '.' and spaces, received ''; give another with name=",
        ),
        (["run=base", "images=/", "name=.."], ConfigError, "received '..'; give another with name="),
        (["run=base", "layer=conv"], RunError, "layer conv: there is none of that name"),
    ],
)
def test_a_mistake_is_one_line(finished_store, words, kind, message):
    with pytest.raises(kind) as raised:
        main(words)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_model_file_needs_a_folder_for_the_results(store, tmp_path):
    (tmp_path / "model.keras").write_bytes(b"")
    with pytest.raises(ConfigError, match="output: expected a folder, since a model file has no run"):
        main([f"run={tmp_path / 'model.keras'}"])


def test_other_data_than_the_run_was_measured_on_is_refused(finished, tmp_path, monkeypatch):
    shutil.copy(finished[1] / "mlflow.db", tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow.set_tracking_uri(uri)
    mlflow.MlflowClient().set_tag(finished[0].info.run_id, "dataset_digest", "0123-small")
    message = (
        "expected the data that was tested on, demo 0123-small, found 83194eca7496b703-small in the demo"
    )
    with pytest.raises(DataError, match=message):
        main(["run=base"])
    mlflow.set_tracking_uri(None)


def test_a_false_fake_is_a_real_image_that_was_called_fake():
    scores = np.array([0.9, 0.8, 0.2, 0.1])
    explained = Explained(
        np.zeros((4, 32, 32, 3), np.uint8), np.arange(4), np.zeros((4, 2, 2)), scores,
        labels=np.array([1, 0, 0, 1]), objects=np.array(["cat"] * 4),
    )  # fmt: skip
    found = {name: rows.tolist() for name, rows in outcomes(explained)}
    assert found == {"true_REAL": [2], "false_REAL": [3], "true_FAKE": [0], "false_FAKE": [1]}


def test_the_most_confident_are_shown_and_others_always_the_same():
    scores = np.linspace(0.5, 1, 100)
    chosen = choose(np.arange(100), scores)
    assert chosen["most confident"].tolist() == list(range(99, 91, -1))
    assert len(set(chosen["at random"]) - set(range(92, 100))) == 8
    assert choose(np.arange(100), scores)["at random"].tolist() == chosen["at random"].tolist()
    assert choose(np.arange(2), scores)["at random"].tolist() == []


def test_maps_like_those_of_random_weights_are_warned_of():
    shares = ("border_share_FAKE", "randomised_border_share", "half_area", "randomised_half_area")
    numbers = {f"explain/{key}": 0.1 for key in (*shares, "chance_correlation")}
    numbers["explain/randomised_correlation"] = 0.6
    assert "warning: expected at most 0.5" in describe(numbers)
    assert "warning" not in describe({**numbers, "explain/randomised_correlation": 0.4})
