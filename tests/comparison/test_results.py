"""Published results: the same tables as the store that they are from, and what a damaged folder says."""

import json
import shutil
from pathlib import Path

import mlflow
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cifake.comparison import VIEW_NAMES
from cifake.comparison.results.documents import setting_without_folders, without_folders
from cifake.comparison.results.publish import train_command
from cifake.config import load, parse_overrides
from cifake.evaluation.metrics import score
from tests.support.made_runs import LABELS, log_run, log_trial, made_scores, table
from tests.support.project import compare as run


@pytest.fixture(scope="module")
def published(compared, tmp_path_factory):
    """The folder that a store with runs to compare is published to."""
    folder = tmp_path_factory.mktemp("published") / "results"
    assert (
        run("--tracking-uri", compared, "--publish", str(folder), "--output", str(folder.parent / "x.md"))
        == 0
    )
    return folder


@pytest.fixture
def copy(published, tmp_path):
    """A copy to damage."""
    return shutil.copytree(published, tmp_path / "copy")


def markdown(capsys, *words):
    assert run("--format", "md", *words) == 0
    return capsys.readouterr().out


NEEDS_THE_STORE = {"robustness", "runs"}  # predictions of changed images, and pages of runs
VIEWS = [name for name in VIEW_NAMES if name not in ("pivot", "near_copies", *NEEDS_THE_STORE)]


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_is_that_of_the_store(view, compared, published, capsys):
    of_store = markdown(capsys, "--view", view, "--tracking-uri", compared)
    assert markdown(capsys, "--view", view, "--results", str(published)) == of_store
    assert "no-predictions" not in of_store


def test_what_a_store_alone_has_is_said(compared, published, capsys):
    text = markdown(capsys, "--view", "robustness", "--results", str(published))
    reason = "Every run is published without its predictions of changed images; no intervals and tests."
    assert text.count("[no-predictions]") == text.count(reason) == 1
    assert "Intervals (" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert rows == [
        line
        for line in markdown(capsys, "--view", "robustness", "--tracking-uri", compared).splitlines()
        if line.startswith("| ")
    ]
    text = markdown(capsys, "--view", "runs", "--results", str(published))
    assert "To open the runs" not in text
    assert text.count("| base |") == 3


def test_filters_the_gate_and_a_report_need_no_store(published, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/none.db")
    text = markdown(capsys, "--results", str(published), "--filter", "params.optimizer = 'sgd'")
    assert "| sgd |" in text
    assert "| base |" not in text
    assert run("--results", str(published), "--fail-if", "f1 < 0.99", "--variant", "base") == 1
    page = tmp_path / "board.html"
    assert run("--results", str(published), "--output", str(page)) == 0
    assert "mlflow.db" not in page.read_text()
    assert not (tmp_path / "none.db").exists()


def test_publishing_adds_runs_and_replaces_the_same_run_alone(store, tmp_path, capsys):
    def publish(*words):
        assert run("--publish", "results", *words) == 0
        return capsys.readouterr().err

    def files():
        return {path.name: path.read_bytes() for path in (tmp_path / "results").rglob("*.*")}

    first = log_run("base", 0, predictions=made_scores(1.0, 0))
    log_run("sgd", 0, predictions=made_scores(0.4, 0))
    assert publish("--variant", "base").startswith("published: 1 runs, 1 of them new; results holds 1,")
    alone = files()
    assert publish("--variant", "sgd").startswith("published: 1 runs, 1 of them new; results holds 2,")
    both = files()
    assert len(both) == 3
    assert publish().startswith("published: 2 runs, 0 of them new; results holds 2,")
    assert files() == both
    name = f"base_full_seed-0_{first[:8]}.json"
    assert both[name] == alone[name]
    mlflow.MlflowClient().log_metric(first, "robust/weighted_accuracy", 0.5)
    publish()
    changed = files()
    assert {each for each in changed if changed[each] != both[each]} == {name}
    assert json.loads(changed[name])["metrics"]["robust/weighted_accuracy"] == 0.5


def test_files_name_no_person_machine_or_folder(store, tmp_path, capsys):
    params = {"model.weights": "/home/ada/weights.h5", "monitor": "val/loss"}
    run_id = log_run("base", 0, predictions=made_scores(1.0, 0), params=params, history=[0.5, 0.4])
    client = mlflow.MlflowClient()
    client.set_tag(run_id, "owner_host", "adas-laptop")
    client.set_tag(run_id, "search", "base")
    log_trial(run_id, 1, 0.8, data="sqlite:////home/ada/mlflow.db")
    assert run("--publish", "results") == 0
    (file,) = (tmp_path / "results" / "runs").iterdir()
    text = file.read_text()
    for word in ("/home", "ada", str(tmp_path), "mlflow.user", "mlflow.source.name", "artifacts"):
        assert word not in text
    document = json.loads(text)
    assert [*document] == sorted(document)
    assert document["params"]["model.weights"] == "weights.h5"
    assert document["params"]["monitor"] == "val/loss"
    assert document["metrics"]["val/loss"] == [0.5, 0.4]
    assert document["trials"][0]["metrics"]["trial/score"] == 0.8


def test_the_command_trains_these_settings_and_names_no_folder():
    params = {
        "split": "full",
        "seed": "2",
        "dataset": "cifake",
        "model.weights": "/home/ada/my weights/w.h5",
    }
    settings = load("experiments/mobilenet_v2.yaml", parse_overrides(params))
    tags = {"variant": "mobilenet_v2", "config_hash": settings.config_hash()}
    assert train_command(params, tags) == (
        "python -m cifake.train experiments/mobilenet_v2.yaml --split=full --seed=2 --model.weights=w.h5"
    )
    assert train_command(params, tags | {"config_hash": "other"}) is None


def test_the_command_of_a_search_searches_again():
    given = {"split": "full", "seed": "0", "dataset": "cifake", "tuner.max_trials": "10"}
    settings = load("experiments/tuned_sequential.yaml", parse_overrides(given))
    found = {"model.filters": "[40]", "model.dense": "[700, 800]", "optimizer": "sgd"}
    tags = {"variant": "tuned_sequential", "config_hash": settings.config_hash()}
    assert train_command(given | found, tags) == (
        "python -m cifake.train experiments/tuned_sequential.yaml --split=full --seed=0 --tuner.max_trials=10"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("val/loss", "val/loss"),
        ("robustness/200-images/seed-0", "robustness/200-images/seed-0"),
        ("cannot open /home/ada/a b.h5", "cannot open a b.h5"),
        ("C:\\Users\\ada\\w.h5", "w.h5"),
        ("['~/w/a.h5', '/b.h5']", "['a.h5', 'b.h5']"),
        ("http://ada:secret@host:5000", ""),
        ("s3://bucket/deep/w.h5", "w.h5"),
    ],
)
def test_paths_and_addresses_become_names(text, expected):
    assert without_folders(text) == expected


@pytest.mark.parametrize(
    "text", ["/home/ada/my data/w.h5", "~/my data/w.h5", "C:\\my data\\w.h5", "file:///my data/w.h5"]
)
def test_a_setting_that_is_a_path_loses_folders_with_spaces(text):
    assert setting_without_folders(text) == "w.h5"


def test_own_runs_stand_beside_published_ones(published, store, capsys):
    for seed in (0, 1):
        scores = made_scores(1.2, seed + 50)
        params = {"optimizer": "adam", "validation_steps": 23}
        log_run("base", seed, predictions=scores, params=params, **score(LABELS, scores))
        log_run("mine", seed, predictions=scores, params=params, **score(LABELS, scores))
    text = markdown(capsys, "--results", str(published), "--tracking-uri", store)
    for row in ("| base source=store | 2 |", "| base source=results | 3 |", "| mine | 2 |", "| sgd | 3 |"):
        assert row in text
    assert "run again later" not in text
    assert "[no-predictions]" not in text


def test_a_run_in_both_counts_once(compared, published, capsys):
    text = markdown(capsys, "--results", str(published), "--tracking-uri", compared)
    assert text == markdown(capsys, "--tracking-uri", compared)


@pytest.mark.parametrize("experiment", ["cifake", "elsewhere"])
def test_trials_of_a_search_in_both_are_listed_once(store, capsys, experiment):
    parent = log_run("tuned", experiment=experiment)
    for number, score_of in ((1, 0.8), (2, 0.9)):
        log_trial(parent, number, score_of, monitor="val/accuracy")
    assert run("--publish", "results", "--output", "x.md", "--experiment", experiment) == 0
    words = ("--results", "results", "--tracking-uri", store, "--view", "trials", "--format", "json")
    capsys.readouterr()
    assert run(*words) == 0
    (table,) = json.loads(capsys.readouterr().out)["trials"]
    assert [row["trial"] for row in table["rows"]] == [2, 1]


@pytest.mark.parametrize("fault", ["damaged", "without objects", "scores in words"])
def test_a_damaged_file_is_published_as_a_run_without_predictions(store, capsys, caplog, fault):
    scores = made_scores(1.0, 0)
    good = table(scores)
    words = pa.array(["x"] * len(scores))
    stored = {
        "without objects": good.drop_columns("object"),
        "scores in words": good.set_column(3, "score", words),
    }
    log_run("base", 0, predictions=scores)
    run_id = log_run("base", 1, predictions=stored.get(fault, good))
    if fault == "damaged":
        path = mlflow.get_run(run_id).info.artifact_uri + "/predictions.parquet"
        Path(path).write_text("no table")
    assert run("--publish", "results") == 0
    assert "published: 2 runs, 1 of them without predictions, 2 of them new;" in capsys.readouterr().err
    (warning,) = caplog.messages
    assert warning.startswith(
        f"run {run_id} is published without predictions.parquet: it predictions.parquet cannot be read ("
    )
    assert f"run {run_id}: has no predictions.parquet;" in markdown(capsys, "--results", "results")


def refused(capsys, *words):
    assert run(*words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_what_has_no_store_is_refused(published, store, tmp_path, capsys):
    results = ("--results", str(published))
    for name in ("--promote", "--log", "--publish=new", "--experiment=mine"):
        option = name.partition("=")[0]
        assert f"{option} needs the runs of a store, received --results" in refused(capsys, *results, name)
    for name in ("--promote", "--publish=new"):
        assert "received --results" in refused(capsys, *results, "--tracking-uri", store, name)
    assert "there is no folder none" in refused(capsys, "--results", "none")
    assert "holds no published results (runs/*.json)" in refused(capsys, "--results", str(tmp_path))
    assert "no finished variant run that matches" in refused(capsys, *results, "--filter", "tags.split = 'x'")
    assert "MLflow cannot read the filter 'so'" in refused(capsys, *results, "--filter", "so")


def test_damaged_results_are_one_line(copy, capsys):
    scores = copy / "predictions.parquet"
    table = pq.read_table(scores)
    for content, message in (
        (b"", "cannot be read"),
        (scores.read_bytes()[:500], "cannot be read"),
        (table.replace_schema_metadata({"cifake.format": "2"}), "of format 1, received 2"),
        (table.drop_columns(["score"]), "cannot be read"),
        (pa.concat_tables([table[:300], table[500:], table[300:500]]), "are not together"),
        (None, "cannot be read"),
    ):
        if isinstance(content, bytes):
            scores.write_bytes(content)
        elif content is None:
            scores.unlink()
        else:
            pq.write_table(content, scores)
        line = refused(capsys, "--results", str(copy))
        assert f"{scores}" in line
        assert message in line


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:100], "is not a published run"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "of format 1, received 2"),
        (lambda text: text.replace('"format": 1,', ""), "is not a published run (KeyError: 'format')"),
        (
            lambda text: text.replace('"params": {', '"parms": {'),
            "is not a published run (KeyError: 'params')",
        ),
        (lambda text: "[]", "is not a published run"),
    ],
)
def test_a_damaged_run_is_one_line(change, message, copy, capsys):
    file = sorted((copy / "runs").iterdir())[0]
    file.write_text(change(file.read_text()))
    line = refused(capsys, "--results", str(copy))
    assert str(file) in line
    assert message in line
