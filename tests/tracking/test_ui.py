"""What MLflow's own pages show, in its own server and in a browser."""

import json
import shutil
from pathlib import Path

import mlflow
import pytest

from cifake.config import load
from cifake.contract import COLOURED, COLOURS, variant_colour
from cifake.tracking.descriptions import describe_run, describe_version, log_ranking
from cifake.tracking.ui import VIEW_TAG, describe_address, prepare_experiment
from tests.support.browser import browser
from tests.support.made_runs import log_run
from tests.support.project import BASE, EXPERIMENTS
from tests.support.servers import serve

NOTE = "mlflow.note.content"


def tags(experiment="1"):
    return mlflow.get_experiment(experiment).tags


@pytest.fixture
def three_variants(store):
    """Two seeds of base, one of sgd and of epoch, and the run of a tool."""
    for variant, seed, f1, params in (
        ("base", 0, 0.81, {"optimizer": "adam"}),
        ("base", 1, 0.83, {"optimizer": "adam"}),
        ("sgd", 0, 0.65, {"optimizer": "sgd"}),
        ("epoch", 0, 0.80, {"optimizer": "adam", "epochs": 10}),
    ):
        log_run(variant, seed, f1=f1, params={"batch_size": 32, **params})
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
        page.open(line.removeprefix("all runs: "))
        page.wait_for("document.body.innerText.includes('Group: sgd')")
        page.wait_for("document.body.innerText.includes('4 matching runs')")
        text = page.text()
        groups = [text.index(f"Group: {variant}") for variant in ("base", "epoch", "sgd")]
        assert groups == sorted(groups)
        for shown in ("Sort: test/f1", "Group by: variant", "Photographs or generated images?"):
            assert shown in text
        assert "suite of 4 runs" not in text
        columns = page.evaluate(
            "[...document.querySelectorAll('[role=columnheader][col-id]')].map(e => e.getAttribute('col-id'))"
        )
        assert [name for name in columns if "`" in name] == [
            "metrics.`test/f1`", "metrics.`test/accuracy`", "metrics.`test/roc_auc`",
            "metrics.`cost/train_seconds`", "params.`seed`", "params.`epochs`", "params.`optimizer`",
            "tags.`variant`",
        ]  # fmt: skip
        cells = page.evaluate(
            "[...document.querySelectorAll('[role=gridcell][col-id=\"metrics.`test/f1`\"]')]"
            ".map(e => e.innerText)"
        )
        assert cells == ["0.82 (average)", "0.83", "0.81", "0.8", "0.8", "0.65", "0.65"]
