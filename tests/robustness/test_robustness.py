"""A robustness test of a run: logged to it, gone on with, looked at."""

import contextlib
import functools
import sqlite3
import sys
import tempfile

import keras
import mlflow
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

from cifake.comparison import compare
from cifake.config import load as load_settings
from cifake.contract import KINDS
from cifake.core.errors import ConfigError, exit_code
from cifake.data import Part, load
from cifake.data.decode import open_image
from cifake.robustness import __main__ as command
from cifake.robustness import test as robustness_test
from cifake.robustness.options import RobustnessOptions
from cifake.robustness.perturbations import perturb
from cifake.robustness.perturbed import find_doubts, measure, weighted_accuracy
from cifake.robustness.robustness_figures import robustness_figures
from cifake.suite.plan import look_up, make_jobs
from cifake.suite.run_job import RunContext, run_job
from cifake.tracking.resolved_model import find_model
from cifake.tracking.robustness_results import completed_perturbations
from cifake.train import pipeline
from tests.support.project import EXPERIMENTS

QUICK = {
    "dataset": "demo", "split": "small", "model.filters": [2], "model.dense": [2], "epochs": 1,
    "steps_per_epoch": 4, "robustness": True,
}  # fmt: skip
FOLDER = "robustness/40-images_2-steps_1-restarts_seed-0"


@pytest.fixture
def little(monkeypatch):
    """Trainings are followed by a little test, not a whole one."""
    options = RobustnessOptions(perturbations=["clean", "fgsm_8"], images=40, steps=2)
    monkeypatch.setattr(pipeline, "RobustnessOptions", lambda: options)
    monkeypatch.setattr(robustness_test, "CHECKED_IMAGES", 20)


@pytest.fixture
def run_id(store, little):
    """A run that was tested right after its training."""
    settings = load_settings(EXPERIMENTS / "base.yaml", QUICK)
    return pipeline.train("base", settings, load("demo", "small"))


def run_command(*words):
    """The command in this process: its exit code."""
    return exit_code(lambda: command.main(["images=40", "steps=2", *words]))


def test_a_suite_tests_a_finished_run_that_was_not_tested_and_trains_nothing(store, little):
    plan = functools.partial(make_jobs, [str(EXPERIMENTS / "base.yaml")], [0])
    run_context = RunContext("", "cifake", 1, force=False)
    (job,) = look_up(plan({**QUICK, "robustness": False}), force=False)
    trained = run_job(job, run_context, print)
    assert (job.state, trained.kind, metrics(trained.run_id)) == ("train", "finished", {})

    assert run_command(f"run={trained.run_id}", "perturbations=clean") == 0  # a part of the test
    (job,) = look_up(plan(QUICK), force=False)
    assert job.state == "test"
    tested = run_job(job, run_context, print)
    assert (tested.kind, tested.run_id) == ("finished", trained.run_id)
    assert files(tested.run_id) == [f"{FOLDER}/clean.parquet", f"{FOLDER}/fgsm_8.parquet"]
    assert mlflow.get_run(tested.run_id).info.status == "FINISHED"

    (job,) = look_up(plan(QUICK), force=False)
    assert job.state == "reuse"
    assert run_job(job, run_context, print).kind == "reused"


def metrics(run_id):
    return {k: v for k, v in mlflow.get_run(run_id).data.metrics.items() if k.startswith("robust/")}


def line(run_id, key):
    """A metric by step, from the least step on."""
    history = mlflow.MlflowClient().get_metric_history(run_id, key)
    return dict(sorted((point.step, point.value) for point in history))


def files(run_id):
    return sorted(file.path for file in mlflow.MlflowClient().list_artifacts(run_id, FOLDER))


def test_a_variant_is_tested_after_its_training_and_later_by_the_command(run_id, capsys, caplog):
    run = mlflow.get_run(run_id)
    assert (run.info.status, run.data.params["robustness"]) == ("FINISHED", "True")
    assert files(run_id) == [f"{FOLDER}/clean.parquet", f"{FOLDER}/fgsm_8.parquet"]
    before = metrics(run_id)
    names = measure(np.array([0, 1]), np.ones(2))
    assert set(before) == {
        *(f"robust/{kind}/{name}" for kind in ("clean", "fgsm") for name in names),
        "robust/images", "robust/doubts", "robust/weighted_accuracy",
    }  # fmt: skip
    clean, attacked = before["robust/clean/accuracy"], before["robust/fgsm/accuracy"]
    assert before["robust/weighted_accuracy"] == pytest.approx(0.4 * clean + 0.6 * attacked)
    assert run.data.tags["robustness_adversary"] == "fgsm_8"

    caplog.set_level("INFO")
    assert run_command(f"run={run_id}") == 0
    assert f"(run {run_id}) on 40 images" in caplog.text
    assert "2 perturbations are done already" in caplog.text
    after = metrics(run_id)
    del before["robust/doubts"]
    assert before.items() <= after.items()
    assert set(KINDS) == {name.split("/")[1] for name in after if name.count("/") == 2} - {"clean"}
    assert line(run_id, "robust/fgsm/accuracy").items() >= {0: clean, 8: attacked}.items()
    assert list(line(run_id, "robust/jpeg/accuracy")) == [0, 10, 25, 50, 70]
    assert list(line(run_id, "robust/brightness/accuracy")) == [-30, 0, 30]
    assert list(line(run_id, "robust/pgd/gain_of_more_steps")) == [1, 2, 4, 8]
    assert after["robust/pgd/gain_of_more_steps"] <= 0.5
    assert mlflow.get_run(run_id).info.status == "FINISHED"
    stored = pd.read_parquet(mlflow.artifacts.download_artifacts(f"runs:/{run_id}/{FOLDER}/jpeg_30.parquet"))
    assert stored["path"].tolist() == load("demo", "small").test.paths[:40].tolist()
    assert ((stored["score"] >= 0.5) == stored["label"]).mean() == after["robust/jpeg/accuracy"]
    figures = {file.path for file in mlflow.MlflowClient().list_artifacts(run_id, "figures")}
    assert {"figures/robustness.png", "figures/perturbations.png"} <= figures

    (table,) = compare("robust/jpeg_30/accuracy").tables
    row = table.rows[0]
    assert row["robust/jpeg_30/accuracy_low"] < row["robust/jpeg_30/accuracy"]
    assert "40 test images" in table.caption

    assert run_command(f"run={run_id}", "seed=1") == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"error: run {run_id} was tested otherwise: expected 40-images_2-steps_1-restarts_seed-1, found "
        "40-images_2-steps_1-restarts_seed-0; give the options of that test, or replace it as a whole: "
        f"python -m cifake.robustness run={run_id} force=true"
    )
    assert run_command("run=base", "seed=1", "force=true", "perturbations=jpeg") == 2


def test_a_test_that_was_stopped_goes_on_and_repeats_to_the_digit(run_id, monkeypatch):
    logged = []
    log = robustness_test.log_perturbation

    def stop_after_three(run_id, folder, name, *rest):
        if len(logged) == 3:
            raise KeyboardInterrupt
        logged.append(name)
        log(run_id, folder, name, *rest)

    words = ("run=base", "perturbations=noise,pgd_1,pgd_2")
    with monkeypatch.context() as patch:
        patch.setattr(robustness_test, "log_perturbation", stop_after_three)
        assert run_command(*words) == 130
    assert len(files(run_id)) == 5
    first = metrics(run_id)
    assert run_command(*words) == 0
    assert len(files(run_id)) == 7
    assert first.items() <= metrics(run_id).items()
    whole = metrics(run_id)
    assert run_command(*words, "force=true") == 0
    assert metrics(run_id) == whole
    history = mlflow.MlflowClient().get_metric_history(run_id, "robust/noise/accuracy")
    assert sum(point.step == 26 for point in history) == 2


def test_the_run_names_the_adversary_which_is_tested_or_was(run_id, capsys):
    tag = lambda: mlflow.get_run(run_id).data.tags["robustness_adversary"]  # noqa: E731
    files_before = files(run_id)
    for more in ((), ("force=true",)):
        assert run_command("run=base", "perturbations=flip", "adversary=fgsm_2", *more) == 2
        assert capsys.readouterr().err.splitlines()[-1] == (
            f"error: adversary: expected an attack that is tested or that run {run_id} was tested under, "
            "received fgsm_2; add it to perturbations="
        )
    assert files(run_id) == files_before
    folders = [file.path for file in mlflow.MlflowClient().list_artifacts(run_id, "robustness")]
    assert folders == [FOLDER]  # nothing was copied for a replacement
    assert run_command("run=base", "perturbations=fgsm_2", "adversary=fgsm_2") == 0
    assert tag() == "fgsm_2"
    clean, attacked = metrics(run_id)["robust/clean/accuracy"], line(run_id, "robust/fgsm/accuracy")[2]
    assert metrics(run_id)["robust/weighted_accuracy"] == pytest.approx(0.4 * clean + 0.6 * attacked)
    assert run_command("run=base", "perturbations=flip", "adversary=fgsm_8") == 0  # the run holds it
    assert tag() == "fgsm_8"


class StoppedError(Exception):
    pass


def test_a_replacement_that_is_stopped_leaves_the_old_test_as_it_was(run_id, monkeypatch):
    """And the same command resumes it: of its own predictions none is made twice, and none is missing."""
    monkeypatch.setattr("cifake.tracking.robustness_results.PERTURBATIONS", ("clean", "fgsm_8"))
    before, options = mlflow.get_run(run_id).data, pipeline.RobustnessOptions()
    other = options.model_copy(update={"images": 20, "force": True})
    replacement = functools.partial(
        robustness_test.run_robustness_test,
        run_id,
        find_model(run_id).load,
        load("demo", "small").test,
        other,
    )
    logged = []
    log = robustness_test.log_perturbation

    def stop_after_one(run_id, folder, name, *rest):
        if logged:
            raise StoppedError
        logged.append(name)
        log(run_id, folder, name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(robustness_test, "log_perturbation", stop_after_one)
        with pytest.raises(StoppedError):
            replacement()
    after = mlflow.get_run(run_id).data
    assert (after.metrics, after.tags) == (before.metrics, before.tags)
    assert not pipeline.lacks_test(run_id, load_settings(EXPERIMENTS / "base.yaml", QUICK))

    assert logged == ["clean"]
    monkeypatch.setattr(
        robustness_test,
        "log_perturbation",
        lambda run_id, folder, name, *rest: (logged.append(name), log(run_id, folder, name, *rest)),
    )
    replacement()
    assert logged == ["clean", "fgsm_8"]
    done = mlflow.get_run(run_id).data
    folder = "robustness/20-images_2-steps_1-restarts_seed-0_test-2"
    assert (done.tags["robustness"], done.metrics["robust/images"]) == (folder, 20)
    assert len(mlflow.MlflowClient().list_artifacts(run_id, folder)) == 2
    assert len(files(run_id)) == 2  # of the old test, still there
    # A test of fewer images is not the whole test.
    assert pipeline.lacks_test(run_id, load_settings(EXPERIMENTS / "base.yaml", QUICK))


def test_the_test_of_an_earlier_version_is_read_and_completed(run_id):
    """It named its folder when it began, and kept the metrics in the run alone, under a key each."""
    client = mlflow.MlflowClient()
    attacked = {key: value for key, value in metrics(run_id).items() if "/fgsm/" in key}
    with contextlib.closing(sqlite3.connect("mlflow.db")) as database, database:
        for table in ("metrics", "latest_metrics"):
            database.execute(f"DELETE FROM {table} WHERE key LIKE 'robust/fgsm/%'")
    for key, value in attacked.items():
        client.log_metric(run_id, key.replace("fgsm", "fgsm_8"), value)
    for name in ("clean", "fgsm_8"):
        stored = pd.read_parquet(
            mlflow.artifacts.download_artifacts(f"runs:/{run_id}/{FOLDER}/{name}.parquet")
        )
        stored.to_parquet(f"{name}.parquet")
        client.log_artifact(run_id, f"{name}.parquet", FOLDER)
    before = metrics(run_id)
    settings = load_settings(EXPERIMENTS / "base.yaml", QUICK)
    assert not pipeline.lacks_test(run_id, settings)
    client.log_metric(run_id, "robust/images", 20)  # of a test that was being replaced when it was killed
    assert pipeline.lacks_test(run_id, settings)
    pipeline.complete_robustness_test(run_id, load("demo", "small").test)
    assert metrics(run_id) == before | attacked
    assert not pipeline.lacks_test(run_id, settings)


RESULTS = {"clean": 0.9, "jpeg_90": 0.85, "jpeg_30": 0.7, "brightness_0.7": 0.8, "pgd_2": 0.4}


@pytest.mark.parametrize(
    ("names", "titles"),
    [
        (["jpeg_30"], ["JPEG"]),
        (["pgd_2"], ["accuracy within epsilon"]),
        (
            ["jpeg_90", "jpeg_30", "brightness_0.7", "pgd_2"],
            ["JPEG", "brightness", "accuracy within epsilon"],
        ),
    ],
)
def test_only_what_was_measured_is_drawn_from_undisturbed_to_strong(names, titles):
    accuracies = {name: RESULTS[name] for name in ("clean", *names)}
    results = dict.fromkeys(("accuracy", "roc_auc", "fake_share"), accuracies)
    pictures = dict.fromkeys(accuracies, np.zeros((2, 32, 32, 3), np.uint8))
    figures = robustness_figures(results, 40, pictures, "sgd", 3)
    panels = {axes.get_title(): axes for axes in figures["robustness.png"].axes if axes.axison}
    assert list(panels) == titles
    assert figures["robustness.png"].get_suptitle().startswith("sgd seed 3: 40 test images")
    for axes in panels.values():
        assert axes.lines[-1].get_ydata() == [0.9, 0.9]  # a line at the undisturbed accuracy
        assert axes.lines[0].get_color() == "#D55E00"
    if "JPEG" in panels:
        accuracy = panels["JPEG"].lines[0]
        strengths = [100, *(int(name[5:]) for name in names if "jpeg" in name)]
        assert list(accuracy.get_xdata()) == strengths
        assert panels["JPEG"].xaxis_inverted()
    assert [axes.get_title() for axes in figures["perturbations.png"].axes][: len(accuracies)] == [
        f"{name}: {value:.3f}" for name, value in accuracies.items()
    ]


def test_a_test_of_clean_images_alone_has_no_curves():
    results = {metric: {"clean": 0.9} for metric in ("accuracy", "roc_auc", "fake_share")}
    pictures = {"clean": np.zeros((2, 32, 32, 3), np.uint8)}
    assert list(robustness_figures(results, 40, pictures, "base", 0)) == ["perturbations.png"]


def test_images_can_be_written_and_looked_at(run_id, tmp_path, capsys):
    words = ("run=base", f"output={tmp_path / 'noisy'}", "images=4")
    assert run_command(*words, "export=noise_0.1") == 0
    images = load("demo", "small").test
    for number, path in enumerate(images.paths[:4]):
        written = np.asarray(Image.open(tmp_path / "noisy" / f"{path}.png"))
        assert np.array_equal(written, perturb(images.images[:4], "noise_0.1", 0)[number])
    assert run_command(*words, "export=blur_2") == 2
    assert capsys.readouterr().err == (
        f"error: output: expected a new or an empty folder, {tmp_path}/noisy holds files\n"
    )
    assert len(list((tmp_path / "noisy").rglob("*.png"))) == 4


def test_images_that_differ_in_the_suffix_alone_are_written_apart(tmp_path):
    pixels = np.arange(2 * 32 * 32 * 3).reshape(2, 32, 32, 3).astype(np.uint8)
    test = Part(pixels, np.array([0, 1]), np.array(["", ""]), np.array(["REAL/0.jpg", "REAL/0.png"]))
    command.export(None, test, command.parse(["run=x", "export=flip_1", f"output={tmp_path / 'out'}"]))
    written = {path.name: np.asarray(Image.open(path)) for path in (tmp_path / "out").rglob("*.*")}
    assert sorted(written) == ["0.jpg.png", "0.png.png"]
    assert np.array_equal(written["0.jpg.png"], pixels[0, :, ::-1])
    assert np.array_equal(written["0.png.png"], pixels[1, :, ::-1])


def test_images_can_be_written_for_a_model_file_of_another_project(tree, tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAKE_DATA", str(tree))
    head = keras.layers.Dense(1, activation="sigmoid")
    keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), head]).save(tmp_path / "model.h5")
    words = [f"run={tmp_path}/model.h5", "export=fgsm_8", f"output={tmp_path / 'out'}", "images=4"]
    assert run_command(*words) == 2
    assert run_command(*words, "scale=0..1", "positive=REAL") == 0
    paths = list((tmp_path / "out").rglob("*.png"))
    assert len(paths) == 4
    original = open_image((tree / paths[0].relative_to(tmp_path / "out").with_suffix("")).read_bytes())
    changes = np.asarray(Image.open(paths[0])).astype(int) - np.asarray(original)
    assert abs(changes).max() == 8


def test_other_data_is_refused(run_id, capsys):
    mlflow.MlflowClient().set_tag(run_id, "dataset_digest", "abc-small")
    assert run_command("run=base") == 2
    message = (
        "expected the data that was tested on, demo abc-small, found 83194eca7496b703-small in the demo set"
    )
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "run: expected a value, received none"),
        (["run=base", "image=1"], "unknown option 'image'; did you mean 'images'?"),
        (["run=base", "steps=0"], "steps: expected greater than or equal to 1, received '0'"),
        (["run=base", "force=yes please"], "force: expected true or false, received 'yes please'"),
        (["run=base", "perturbations=jpg"], "perturbations: expected clean, jpeg, blur, "),
        (["run=base", "adversary=jpeg_90"], "adversary: expected one of fgsm_1, fgsm_2, "),
        (["run=base", "export=jpeg_90"], "expected export=<perturbation> and output=<folder> together"),
        (["run=base", "export=jpeg", "output=x"], "export: expected one of clean, jpeg_90, "),
    ],
)
def test_what_the_command_refuses(words, message):
    with pytest.raises(ConfigError) as error:
        command.parse(words)
    assert str(error.value).startswith(message)


def test_models_and_backends_that_cannot_be_tested(store, tmp_path, monkeypatch, capsys):
    (tmp_path / "model.keras").write_text("")
    assert run_command("run=model.keras") == 2
    assert "expected a run to log to, received the file model.keras" in capsys.readouterr().err
    assert run_command("run=nope") == 2
    assert "no finished run of a variant 'nope'" in capsys.readouterr().err
    monkeypatch.delitem(sys.modules, "keras", raising=False)  # as a command starts
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert run_command("run=base") == 2
    assert capsys.readouterr().err == (
        "error: KERAS_BACKEND: expected tensorflow or jax for gradients of pixels, received 'torch'\n"
    )


def test_measures_tell_a_shifted_threshold_from_lost_knowledge():
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.6, 0.7, 0.8, 0.9])
    assert measure(labels, scores) == {
        "accuracy": 0.5, "f1": pytest.approx(2 / 3), "roc_auc": 1.0, "fake_share": 1.0, "accuracy_real": 0.0,
        "accuracy_fake": 1.0,
    }  # fmt: skip


def test_the_weighted_accuracy_needs_both():
    assert weighted_accuracy({"clean": 0.9, "fgsm_8": 0.4}, "fgsm_8") == pytest.approx(0.36 + 0.24)
    assert weighted_accuracy({"clean": 0.9, "fgsm_8": 0.4}, "pgd_8") is None


def test_doubts():
    sound = {"clean": 0.9, "random_8": 0.85, "fgsm_8": 0.3, "pgd_8": 0.1}
    assert find_doubts(sound, {"pgd_8": -0.02}) == []
    assert find_doubts({**sound, "pgd_8": 0.31}, {}) == [
        "pgd_8 leaves 0.3100, a single step 0.3000: too few steps, or masked gradients"
    ]
    masked = find_doubts({**sound, "fgsm_8": 0.86, "pgd_8": 0.855}, {"pgd_8": 0.01})
    assert masked == [
        "fgsm_8 leaves 0.8600, random changes of its size 0.8500: the model may mask its gradients",
        "pgd_8 leaves 0.8550, random changes of its size 0.8500: the model may mask its gradients",
        "pgd_8 with twice the steps leaves 0.0100 more: the attack is not converged",
    ]


def test_predictions_of_earlier_versions_without_metrics_are_scored_again(run_id):
    file = mlflow.artifacts.download_artifacts(f"runs:/{run_id}/{FOLDER}/clean.parquet")
    bare = pq.read_table(file).replace_schema_metadata(None)
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(bare, f"{folder}/jpeg_30.parquet")
        mlflow.MlflowClient().log_artifact(run_id, f"{folder}/jpeg_30.parquet", FOLDER)
    assert list(completed_perturbations(run_id, FOLDER)) == ["clean", "fgsm_8"]
