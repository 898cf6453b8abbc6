"""Models on test sets of one's own: what is logged, compared, refused."""

import logging

import mlflow
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cifake.comparison import compare
from cifake.config import load as load_settings
from cifake.core.errors import exit_code
from cifake.data import load
from cifake.evaluate import __main__ as command
from cifake.robustness.perturbations import perturb
from cifake.tracking.image_set_results import update_weighted_means, weighted_means
from cifake.train import pipeline
from tests.support.project import EXPERIMENTS

QUICK = {
    "dataset": "demo", "split": "small", "model.filters": [2], "model.dense": [2], "epochs": 1,
    "steps_per_epoch": 4,
}  # fmt: skip


@pytest.fixture
def run_id(store):
    return pipeline.train("base", load_settings(EXPERIMENTS / "base.yaml", QUICK), load("demo", "small"))


def write(folder, images, labels):
    """Images as PNG files in REAL/ and FAKE/."""
    for place, (image, label) in enumerate(zip(images, labels, strict=True)):
        file = folder / ("REAL", "FAKE")[label] / f"{place:04}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    return folder


def run_command(*words):
    return exit_code(lambda: command.main(list(words)))


def metrics(run_id):
    return {k: v for k, v in mlflow.get_run(run_id).data.metrics.items() if k.startswith("other/")}


def test_a_clean_and_a_perturbed_folder_give_the_scores_of_the_test_part(run_id, tmp_path, caplog):
    test = load("demo", "small").test
    write(tmp_path / "clean", test.images, test.labels)
    dark = perturb(np.asarray(test.images), "brightness_0.7", 0)
    write(tmp_path / "dark", dark, test.labels)
    caplog.set_level(logging.INFO)
    for words in (("clean", "weight=0.4"), ("dark", "weight=0.6")):
        assert run_command(f"run={run_id}", f"images={tmp_path / words[0]}", "prepare=none", words[1]) == 0
    logged, own = metrics(run_id), mlflow.get_run(run_id).data.metrics
    for name in ("accuracy", "f1", "roc_auc", "loss"):
        assert logged[f"other/clean/{name}"] == pytest.approx(own[f"test/{name}"], abs=1e-6)
        expected = 0.4 * logged[f"other/clean/{name}"] + 0.6 * logged[f"other/dark/{name}"]
        assert logged[f"other/weighted/{name}"] == pytest.approx(expected)
    assert logged["other/clean/images"] == len(test)
    file = mlflow.artifacts.download_artifacts(f"runs:/{run_id}/other/dark.parquet")
    stored = pd.read_parquet(file)
    assert ((stored["score"] >= 0.5) == stored["label"]).mean() == logged["other/dark/accuracy"]

    before = len(mlflow.MlflowClient().get_metric_history(run_id, "other/dark/accuracy"))
    assert run_command("variants=base", f"images={tmp_path / 'dark'}", "prepare=none") == 0
    assert "done already" in caplog.text
    assert len(mlflow.MlflowClient().get_metric_history(run_id, "other/dark/accuracy")) == before

    rows = compare().test_sets().tables[0].rows
    assert [(row["set"], row["images"], row["against"]) for row in rows] == [
        ("clean", len(test), "its own"), ("dark", len(test), "its own"),
    ]  # fmt: skip
    assert rows[1]["accuracy_low"] < logged["other/dark/accuracy"] < rows[1]["accuracy_high"]
    (table,) = compare("other/dark/f1").tables
    assert table.rows[0]["other/dark/f1"] == logged["other/dark/f1"]


def test_fakes_alone_are_ranked_against_the_photographs_of_the_test_part(run_id, tmp_path):
    test = load("demo", "small").test
    fakes = np.asarray(test.images[test.labels == 1])
    write(tmp_path / "ddpm", fakes, [1] * len(fakes))
    assert run_command(f"run={run_id}", f"images={tmp_path / 'ddpm'}", "prepare=none") == 0
    logged, own = metrics(run_id), mlflow.get_run(run_id).data.metrics
    assert (
        logged["other/ddpm/accuracy"] == logged["other/ddpm/fake_share"] == pytest.approx(own["test/recall"])
    )
    assert logged["other/ddpm_with_test_photographs/roc_auc"] == pytest.approx(own["test/roc_auc"])
    assert "other/ddpm/roc_auc" not in logged
    other_seed = load_settings(EXPERIMENTS / "base.yaml", {**QUICK, "seed": 1})
    pipeline.train("base", other_seed, load("demo", "small"))  # and not evaluated
    shown = compare().test_sets()
    (row,) = shown.tables[0].rows
    assert "[one-seed] base: one seed" in shown.tables[0].caption
    assert [axes.get_xlabel() for axes in shown.figures[0].axes] == [
        "accuracy, 95 % interval", "ROC AUC, 95 % interval",
    ]  # fmt: skip
    assert row["against"] == "the test part's photographs"
    assert row["roc_auc_low"] <= row["roc_auc"] <= row["roc_auc_high"]
    assert row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"]


def test_other_images_under_the_same_name_need_force(run_id, tmp_path, capsys):
    test = load("demo", "small").test
    write(tmp_path / "set", test.images[:20], test.labels[:20])
    words = (f"run={run_id}", f"images={tmp_path / 'set'}", "name=mine")
    assert run_command(*words) == 0
    assert run_command(*words, "prepare=none") == 2
    assert "was evaluated on other images called mine" in capsys.readouterr().err
    assert run_command(*words, "prepare=none", "force=true") == 0
    assert mlflow.get_run(run_id).data.tags["other/mine"].endswith("prepare=none")


def test_a_set_of_other_labels_needs_another_name(run_id, tmp_path, capsys):
    """MLflow removes no metrics: the ROC AUC of the old images would stand beside the new accuracy."""
    test = load("demo", "small").test
    write(tmp_path / "both", test.images[:20], test.labels[:20])
    write(tmp_path / "fakes", test.images[:20][test.labels[:20] == 1], [1] * 10)
    assert run_command(f"run={run_id}", f"images={tmp_path / 'both'}", "name=mine") == 0
    before = metrics(run_id)
    assert run_command(f"run={run_id}", f"images={tmp_path / 'fakes'}", "name=mine", "force=true") == 2
    assert "with other labels, whose metrics cannot be removed; give another name=" in capsys.readouterr().err
    assert metrics(run_id) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["images=x"], "expected either run=<run id, variant or models:/...> or variants="),
        (["run=base", "images=/nowhere"], "received /nowhere, which does not exist"),
        (["run=base", "images=x", "name=weighted"], "received 'weighted'"),
        (["run=base", "images=x", "name=a/b"], "received 'a/b'"),
        (["run=base", "images=x", "name=a_with_test_fakes"], "received 'a_with_test_fakes'"),
        (["run=base", "images=x", "name=.."], "name: expected at most 100 letters, digits, '_', '-' and '.'"),
        (["run=base", "images=x", f"name={101 * 'a'}"], "name: expected at most 100 letters"),
        (["run=base", "images=x", "weight=0"], "weight"),
    ],
)
def test_bad_options_are_one_line(store, capsys, words, message):
    assert run_command(*words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_the_weighted_mean_follows_the_sets_that_the_run_holds(store):
    client = mlflow.MlflowClient()
    run_id = client.create_run("1").info.run_id
    for key, value in {"a/accuracy": 0.9, "a/f1": 0.9, "a/weight": 1.0, "b/accuracy": 0.5, "b/f1": 0.7,
                       "b/weight": 1.0}.items():  # fmt: skip
        client.log_metric(run_id, f"other/{key}", value)
    update_weighted_means(run_id)
    assert metrics(run_id)["other/weighted/accuracy"] == pytest.approx(0.7)
    assert metrics(run_id)["other/weighted/f1"] == pytest.approx(0.8)
    for key, value in {"c/accuracy": 0.1, "c/weight": 2.0}.items():  # of fakes alone: no F1
        client.log_metric(run_id, f"other/{key}", value)
    update_weighted_means(run_id)
    assert metrics(run_id)["other/weighted/accuracy"] == pytest.approx(0.4)
    assert np.isnan(metrics(run_id)["other/weighted/f1"])


def test_weighted_means_are_over_the_sets_with_a_weight():
    sets = {
        "a/accuracy": 0.9,
        "a/weight": 2.0,
        "a/images": 5.0,
        "b/accuracy": 0.6,
        "b/weight": 1.0,
        "c/accuracy": 0.0,
    }
    assert weighted_means(sets) == {"accuracy": pytest.approx(0.8)}
    assert weighted_means({"a/accuracy": 0.9, "a/weight": 2.0}) == {}
