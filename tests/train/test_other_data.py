"""A training on images other than CIFAKE: what its run says, and what its model is tested on."""

import mlflow
import pytest

from cifake.comparison import compare
from cifake.config import load as load_settings
from cifake.core.errors import exit_code
from cifake.data import load
from cifake.explain.__main__ import main as explain
from cifake.robustness.__main__ import main as robustness
from cifake.train import pipeline
from tests.support.data_sets import write_tree
from tests.support.project import EXPERIMENTS

QUICK = {"model.filters": [2], "model.dense": [2], "epochs": 1, "steps_per_epoch": 2, "validation_steps": 1}


@pytest.fixture
def photos(store, tmp_path, demo_files, monkeypatch):
    """A run on images without object classes, in a folder called 'my photos'."""
    files = {path.replace("/0", "/photo_").replace(" (2)", ""): data for path, data in demo_files.items()}
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CIFAKE_DATA", str(write_tree(tmp_path / "my photos", files)))
    return train()


def train(**overrides):
    settings = load_settings(EXPERIMENTS / "base.yaml", {**QUICK, **overrides})
    data = load(**settings.load_arguments)
    return pipeline.train("base", settings.with_dataset(data.name), data)


def call(command, *words):
    return exit_code(lambda: command(list(words)))


def test_name_tags_params_and_report_carry_the_data_set_and_rankings_keep_it_apart(photos, tmp_path):
    run = mlflow.get_run(photos)
    assert run.info.run_name == "my-photos: base full seed 0"
    assert (run.data.tags["dataset"], run.data.tags["test_images"]) == ("my-photos", "40")
    settings = [run.data.params[key] for key in ("dataset", "dataset_name", "resize")]
    assert settings == ["other", "my-photos", "prepare"]
    assert "over 40 test images of my-photos" in run.data.tags["mlflow.note.content"]
    given = run.inputs.dataset_inputs[0].dataset
    assert (given.name, given.source) == ("my-photos", f'{{"uri": "{tmp_path / "my photos"}"}}')
    mlflow.artifacts.download_artifacts(run_id=photos, artifact_path="config.yaml", dst_path=str(tmp_path))
    again = load_settings(tmp_path / "config.yaml")
    assert again.config_hash() == run.data.tags["config_hash"]
    assert load(**again.load_arguments).name == "my-photos"

    named = mlflow.get_run(train(dataset_name="holidays"))
    assert named.data.tags["dataset_digest"] == run.data.tags["dataset_digest"]
    assert named.data.tags["config_hash"] != run.data.tags["config_hash"]
    train(dataset="demo", split="small")
    report = compare()
    captions = [table.caption.partition(" test images")[0] for table in report.tables]
    assert captions == ["demo, split small, 1,000", "holidays, split full, 40", "my-photos, split full, 40"]
    assert report.slices().tables[2].rows == []
    assert report.slices().tables[2].notes[0] == "The object classes of these images are not known."
    page = report.render("html")
    assert all(caption in page for caption in captions)
    assert "<title>F1 of 3 variants, 3 runs on demo, holidays and my-photos</title>" in page


def test_its_model_is_tested_and_explained_on_its_own_images(
    photos, tmp_path, demo_files, monkeypatch, capsys
):
    other = write_tree(tmp_path / "others", demo_files)
    monkeypatch.setenv("CIFAKE_DATA", str(other))  # what was decoded before is used
    assert call(robustness, f"run={photos}", "perturbations=blur", "images=40") == 0
    assert call(explain, f"run={photos}", f"output={tmp_path / 'heat'}") == 0
    heat = (tmp_path / "heat" / "heat.csv").read_text().splitlines()
    assert heat[0].startswith("label,")
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / "empty"))
    capsys.readouterr()
    digest = mlflow.get_run(photos).data.tags["dataset_digest"]
    for command in (robustness, explain):
        assert call(command, f"run={photos}") == 2
        (line,) = [each for each in capsys.readouterr().err.splitlines() if each.startswith("error: ")]
        assert f"expected the data that was tested on, my-photos {digest}, found " in line
        assert line.endswith(f" in {other}; set CIFAKE_DATA to it")
