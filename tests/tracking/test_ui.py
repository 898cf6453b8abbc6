"""What MLflow's own pages show, in its own server and in a browser."""

import base64
import json
import zlib

import mlflow
import pytest

from cifake.config import load
from cifake.contract import COLOURED, COLOURS, RELATED, variant_colour
from cifake.tracking.descriptions import describe_run, log_ranking
from cifake.tracking.mlflow_project import mlflow_project_run, name_project_run
from cifake.tracking.ui import VIEW_TAG, charts_path, describe_address, prepare_experiment
from tests.support.browser import browser
from tests.support.made_runs import log_run
from tests.support.project import BASE, EXPERIMENTS
from tests.support.servers import serve

NOTE = "mlflow.note.content"
# Cells of the table of runs as a reader sees them; elements are in another order.
COLUMNS = (
    "[...document.querySelectorAll('[role=columnheader][col-id]')]"
    ".map(e => [e.getBoundingClientRect().x, e.getAttribute('col-id')])"
    ".filter(([_, id]) => /^(metrics|params|tags)\\./.test(id)).sort((a, b) => a[0] - b[0]).map(e => e[1])"
)
CELLS = (
    "[...document.querySelectorAll('[role=gridcell][col-id=\"%s\"]')]"
    ".map(e => [e.getBoundingClientRect().y, e.innerText]).sort((a, b) => a[0] - b[0]).map(e => e[1])"
)


def tags(experiment="1"):
    return mlflow.get_experiment(experiment).tags


@pytest.fixture
def three_variants(store):
    """Two seeds of base, one of sgd and of epoch, and the run of a tool."""
    for variant, seed, f1, params in (
        ("base", 0, 0.8125, {"optimizer": "adam"}),
        ("base", 1, 0.875, {"optimizer": "adam"}),
        ("sgd", 0, 0.625, {"optimizer": "sgd"}),
        ("epoch", 0, 0.75, {"optimizer": "adam", "epochs": 10}),
    ):
        log_run(variant, seed, f1=f1, roc_auc=0.9, params={"batch_size": 32, **params})
    with mlflow.start_run(run_name="suite of 4 runs"):
        mlflow.set_tag("tool", "suite")
    prepare_experiment("1")


def test_the_prepared_view_groups_variants_best_first_with_metrics_and_settings(
    three_variants, tmp_path, free_port, monkeypatch
):
    with serve(tmp_path, free_port, tmp_path / "mlflow.db") as uri, browser() as page:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        mlflow.set_tracking_uri(uri)
        line = describe_address("1")
        assert line.startswith(f"all runs: {uri}/#/experiments/1/runs?")
        page.resize(2400, 900)  # the table makes elements of what there is room for
        page.open(line.removeprefix("all runs: "))
        page.wait_for("document.body.innerText.includes('Group: sgd')")
        page.wait_for("document.body.innerText.includes('4 matching runs')")
        text = page.text()
        groups = [text.index(f"Group: {variant}") for variant in ("base", "epoch", "sgd")]
        assert groups == sorted(groups)
        for shown in ("Sort: test/f1", "Group by: variant", "Photographs or generated images?"):
            assert shown in text
        assert "suite of 4 runs" not in text
        page.wait_for(f"{COLUMNS}.includes('tags.`variant`')")
        assert page.evaluate(COLUMNS) == [
            "metrics.`test/f1`", "metrics.`test/accuracy`", "metrics.`test/roc_auc`",
            "metrics.`cost/train_seconds`", "params.`seed`", "params.`epochs`", "params.`optimizer`",
            "tags.`variant`",
        ]  # fmt: skip
        f1 = page.evaluate(CELLS % "metrics.`test/f1`")
        assert [text.removesuffix("(average)").strip() for text in f1] == [
            "0.84375", "0.875", "0.8125", "0.75", "0.75", "0.625", "0.625",
        ]  # fmt: skip


def test_a_view_and_a_note_that_a_user_changed_stay(three_variants):
    client = mlflow.MlflowClient()
    view = json.loads(tags()[VIEW_TAG])
    changed = json.dumps({**view, "updatedAt": view["updatedAt"] + 1})
    client.set_experiment_tag("1", VIEW_TAG, changed)
    client.set_experiment_tag("1", NOTE, "")
    log_run("val", params={"validation_steps": 10})
    prepare_experiment("1")
    assert (tags()[VIEW_TAG], tags()[NOTE]) == (changed, "")
    client.set_experiment_tag("1", VIEW_TAG, "of another form")
    prepare_experiment("1")
    assert tags()[VIEW_TAG] == "of another form"


def test_the_view_is_written_again_only_when_other_settings_differ(three_variants):
    before = tags()[VIEW_TAG]
    prepare_experiment("1")
    assert tags()[VIEW_TAG] == before
    log_run("val", params={"optimizer": "adam", "batch_size": 32, "validation_steps": 10})
    prepare_experiment("1")
    assert tags()[VIEW_TAG] != before


def test_the_view_takes_no_mean_over_several_data_sets(three_variants):
    def groups():
        packed = json.loads(tags()[VIEW_TAG])["state"].removeprefix("deflate;")
        state = json.loads(zlib.decompress(base64.b64decode(packed)))
        return [key["groupByData"] for key in state["groupBy"]["groupByKeys"]]

    assert groups() == ["variant"]
    run_id = log_run("base", 0, f1=0.5)
    mlflow.MlflowClient().set_tag(run_id, "dataset", "photos")
    prepare_experiment("1")
    assert groups() == ["variant", "dataset"]


def test_a_setting_typed_in_another_form_is_no_column_of_the_view(store):
    log_run("base", 0, params={"model.filters": "[64, 64]"})
    prepare_experiment("1")
    before = tags()[VIEW_TAG]
    log_run("base", 1, params={"model.filters": "[64,64]"})
    prepare_experiment("1")
    assert tags()[VIEW_TAG] == before


def test_a_store_that_cannot_be_changed_costs_a_warning(store, free_port, caplog):
    mlflow.set_tracking_uri(f"http://127.0.0.1:{free_port}")
    prepare_experiment("1")
    (record,) = caplog.records
    assert record.getMessage().startswith("the view of the variants was not saved: the store http://")


def test_without_a_server_the_address_says_how_to_start_one(store):
    assert describe_address("7") == (
        "all runs, after `make ui`: http://127.0.0.1:5000/#/experiments/7/runs"
        "?viewStateShareKey=variants&workflowType=machine_learning"
    )


def test_variants_that_are_often_compared_have_colours_of_their_own():
    assert [variant_colour(name) for name in ("base", "sgd")] == ["#0072B2", "#D55E00"]
    assert len({variant_colour(name) for name in COLOURED}) == len(COLOURS) == 13
    related = ("base", "sgd", "epoch", "modern", *RELATED)
    assert len({variant_colour(name) for name in related}) == len(related)
    assert [variant_colour(name) for name in ("paper_cnn", "one of mine")] == ["#66A61E", "#0072B2"]


def test_the_purpose_of_a_variant_is_the_comment_on_top_of_its_file(tmp_path):
    sgd = load(EXPERIMENTS / "sgd.yaml")
    assert sgd.purpose == "base with plain SGD: does Adam pay?"
    assert sgd.model_copy(update={"dataset": "demo"}).purpose == sgd.purpose
    file = tmp_path / "mine.yaml"
    file.write_text(f"# Two lines:\n# one purpose.\nextends: {BASE}\n# not this\nepochs: 3\n")
    assert load(file).purpose == "Two lines: one purpose."
    file.write_text(f"extends: {BASE}\n")
    assert load(file).purpose == ""


def test_a_run_says_why_it_is_there_and_what_came_out():
    metrics = {f"test/{name}": 0.8 for name in ("f1", "accuracy", "precision", "recall", "roc_auc")}
    metrics |= {"best_epoch": 4}
    note = describe_run("Does Adam pay?", metrics, 1600, "photos", "abc", charts_path("7"))
    purpose, result, table, kept, *pictures = note.split("\n\n")
    assert purpose == "Does Adam pay?"
    assert result.startswith("**F1 0.8000**, accuracy 0.8000 ± 0.0196 (95 %, over 1,600 test images of ph")
    assert "and [the curves](#/experiments/7/runs?viewStateShareKey=variants&" in result
    assert "workflowType=machine_learning&compareRunsMode=CHART)" in result
    assert table.splitlines()[2:4] == ["| F1 | 0.8000 |", "| accuracy | 0.8000 |"]
    assert kept == "Epoch 5 is kept, counted from 1; MLflow's steps and `best_epoch` count from 0."
    assert pictures[0] == "![history.png](get-artifact?path=figures/history.png&run_uuid=abc)"


def test_the_run_of_a_suite_holds_the_ranking(store):
    with mlflow.start_run() as run:
        pass
    log_ranking(run.info.run_id, "| # | variant |", {"mean/test/f1/base (a=[1])": 0.8}, "<p>all of it</p>")
    suite = mlflow.get_run(run.info.run_id)
    assert suite.data.tags[NOTE] == "| # | variant |"
    assert suite.data.metrics == {"mean/test/f1/base _a__1__": 0.8}
    assert suite.info.status == "FINISHED"
    page = mlflow.artifacts.load_text(f"{suite.info.artifact_uri}/report.html")
    assert page == "<p>all of it</p>"


def test_the_run_of_a_tool_is_named_by_what_it_does_unless_a_user_named_it(store, monkeypatch):
    for given, expected in (
        ("sassy-snake-12", "robustness of base seed 0"),
        ("robustness", "robustness"),
        ("mine", "mine"),
    ):
        run = mlflow.MlflowClient().create_run("1", run_name=None if given == "mine" else given)
        monkeypatch.setenv("MLFLOW_RUN_ID", run.info.run_id)
        with mlflow_project_run("robustness"):
            if given == "mine":  # as a user may while it runs
                mlflow.MlflowClient().set_tag(run.info.run_id, "mlflow.runName", given)
            name_project_run(f"robustness of base seed 0 (run {run.info.run_id})")
        assert mlflow.get_run(run.info.run_id).info.run_name == expected
    monkeypatch.delenv("MLFLOW_RUN_ID")
    name_project_run("nothing was launched")
