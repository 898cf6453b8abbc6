import csv
import io
import json
import subprocess
import sys

import mlflow
import pytest
from conftest import REPOSITORY

from cifake.comparison.render import FORMATS, text
from cifake.comparison.runs import fetch_runs
from cifake.comparison.views import find_metric, leaderboard
from cifake.errors import RunError

METRICS = {
    "test/f1": 0.9,
    "test/loss": 0.2,
    "test/accuracy": 0.91,
    "cost/train_seconds": 60.0,
    "best_epoch": 3.0,
}


def log_run(
    variant, seed=0, split="full", digest="d1", status="FINISHED", experiment="cifake", params=None, **metrics
):
    """A run as training leaves it, as far as comparing reads it."""
    params = {"epochs": 20, **(params or {})}
    config_hash = f"{variant}{sorted(params.items())}{split}"
    mlflow.set_experiment(experiment)
    with mlflow.start_run():
        mlflow.set_tags(
            {
                "variant": variant,
                "config_hash": config_hash,
                "dataset": "cifake",
                "dataset_digest": f"{digest}-{split}",
                "split": split,
                "test_images": 20000 if split == "full" else 1000,
            }
        )
        mlflow.log_params({"seed": seed, "variant": variant, **params})
        mlflow.log_metrics({**METRICS, **{f"test/{name}": value for name, value in metrics.items()}})
    mlflow.MlflowClient().set_terminated(mlflow.last_active_run().info.run_id, status)


def board(metric="f1", top=None, **filters):
    runs = fetch_runs(**filters)
    return leaderboard(runs, find_metric(runs, metric), top)


def cells(table, *keys):
    return [tuple(row[key] for key in keys) for row in table.rows]


def test_repeats_are_one_row_with_mean_deviation_and_number(store):
    for seed, f1 in enumerate((0.90, 0.92, 0.94)):
        log_run("base", seed, f1=f1)
    log_run("sgd", f1=0.93)
    (table,) = board()
    assert cells(table, "rank", "variant", "runs") == [(1, "sgd", 1), (2, "base", 3)]
    assert table.rows[1]["test/f1"] == pytest.approx(0.92)
    assert table.rows[1]["test/f1_std"] == pytest.approx(0.02)
    assert table.rows[0]["test/f1_std"] is None
    f1 = next(column for column in table.columns if column.key == "test/f1")
    assert [f1.show(row) for row in table.rows] == ["0.9300", "0.9200 ± 0.0200"]


def test_best_first_by_the_metrics_own_direction(store):
    log_run("base", loss=0.3, f1=0.8)
    log_run("sgd", loss=0.1, f1=0.7)
    assert cells(board("loss")[0], "variant") == [("sgd",), ("base",)]
    assert cells(board("f1")[0], "variant") == [("base",), ("sgd",)]
    assert cells(board("test/f1")[0], "variant") == [("base",), ("sgd",)]
    assert "lower is better" in board("loss")[0].caption


def test_other_data_and_other_splits_make_other_tables(store):
    log_run("base", f1=0.9)
    log_run("base", split="small", f1=0.7)
    log_run("sgd", digest="d2", f1=0.8)
    tables = board()
    assert [(t.about["split"], t.about["dataset_digest"], cells(t, "variant", "rank")) for t in tables] == [
        ("full", "d1-full", [("base", 1)]),
        ("full", "d2-full", [("sgd", 1)]),
        ("small", "d1-small", [("base", 1)]),
    ]
    assert tables[0].caption.startswith("cifake, split full, 20,000 test images: test/f1, higher is better.")
    assert [t.about["split"] for t in board(split="small")] == ["small"]


def test_variants_of_one_name_are_told_apart_by_what_differs(store):
    log_run("base", f1=0.9)
    log_run("base", params={"epochs": 5}, f1=0.8)
    log_run("sgd", f1=0.7)
    assert cells(board()[0], "variant") == [("base epochs=20",), ("base epochs=5",), ("sgd",)]


def test_only_finished_variant_runs_count(store):
    log_run("base", f1=0.9)
    log_run("sgd", f1=0.99, status="FAILED")
    log_run("val", f1=0.99, status="RUNNING")
    with mlflow.start_run():  # a tool's run
        mlflow.log_metric("test/f1", 1.0)
    assert cells(board()[0], "variant") == [("base",)]


def test_filters(store):
    for variant in ("base", "sgd", "val"):
        log_run(variant, f1=0.9)
    log_run("base", experiment="Default", f1=0.5)
    log_run("other", experiment="mine", f1=0.5)
    assert cells(board(variants=["sgd", "val"])[0], "variant") == [("sgd",), ("val",)]
    assert board(variants=["base"])[0].rows[0]["runs"] == 2  # of cifake and Default
    assert cells(board(experiments=["mine"])[0], "variant") == [("other",)]
    (table,) = board(top=2)
    assert len(table.rows) == 2
    assert table.notes == ["Rows not shown: 1."]


def test_a_row_without_the_metric_stays_last(store):
    log_run("base", f1=0.5)
    log_run("sgd", mcc=0.9, f1=0.6)
    assert cells(board("mcc")[0], "variant", "test/mcc") == [("sgd", 0.9), ("base", None)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"metric": "f2"}, "unknown metric 'f2'; known: accuracy, f1, loss, best_epoch, cost/train_seconds"),
        ({"experiments": ["nope"]}, "unknown experiment 'nope'; known: cifake, Default"),
        ({"variants": ["nope"]}, "no finished run with variant 'nope'; there are: base"),
        ({"split": "small"}, "no finished run with split 'small'; there are: full"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(store, call, message):
    log_run("base", f1=0.9)
    with pytest.raises(RunError, match=message):
        board(**call)


def test_an_empty_store_says_how_to_make_a_run(store):
    with pytest.raises(
        RunError, match=r"no finished variant run in .* make a run first: mlflow run \. -e base"
    ):
        fetch_runs()


def test_runs_of_one_seed_are_no_repeats_and_the_table_says_so(store):
    for _ in range(3):
        log_run("base", seed=0, f1=0.9)
    (table,) = board()
    assert table.notes == [
        "base: 3 runs of 1 seed(s); equal seeds give equal runs, so the deviation is too small."
    ]


def test_formats_agree(store):
    log_run("base", 0, f1=0.9)
    log_run("base", 1, f1=1 / 3)
    log_run("a|b", f1=0.1)
    tables = board()
    (document,) = json.loads(FORMATS["json"](tables))
    assert document["metric"] == "test/f1"
    assert document["test_images"] == 20000
    assert document["rows"][0]["test/f1"] == (0.9 + 1 / 3) / 2
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"](tables))))
    assert [row["variant"] for row in rows] == ["base", "a|b"]
    assert float(rows[0]["test/f1"]) == (0.9 + 1 / 3) / 2
    assert rows[1]["test/f1_std"] == ""
    assert rows[0]["split"] == "full"
    lines = FORMATS["md"](tables).splitlines()
    assert lines[2].startswith("| # | variant | runs | F1 | accuracy |")
    assert lines[4].startswith("| 1 | base | 2 | 0.6167 ± 0.4007 | 0.9100 |")
    assert lines[5].startswith("| 2 | a\\|b | 1 | 0.1000 |")
    plain = FORMATS["text"](tables)
    assert "0.6167 ± 0.4007" in plain
    assert "\x1b" not in plain


def test_text_leaves_out_what_does_not_fit_and_names_it(store):
    log_run("base [bold]", f1=0.9)
    lines = text(board(), width=60).splitlines()
    assert max(map(len, lines)) <= 60
    assert "base [bold]" in "".join(lines)
    assert lines[-1] == "Too wide for 60 columns: recall, loss, ROC AUC, training s."
    assert "training s" in text(board(), width=120)


def compare(*words, cwd):
    command = [sys.executable, str(REPOSITORY / "compare.py"), *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_the_command(store, tmp_path):
    log_run("base", f1=0.9)
    done = compare("--metric", "f1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1   base         1   0.9000" in done.stdout
    done = compare("--format", "json", "--output", "report.json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((tmp_path / "report.json").read_text())[0]["rows"][0]["variant"] == "base"
    done = compare("--metric", "f2", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: unknown metric 'f2'; known: ")
    assert len(done.stderr.splitlines()) == 1
    for words in (["--top", "0"], ["--output", "no/where.md"], ["--output", "."], ["--format", "docx"]):
        assert compare(*words, cwd=tmp_path).returncode == 2


def test_without_a_store_the_command_makes_none(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    done = compare(cwd=tmp_path)
    assert done.returncode == 2
    assert "make a run first: mlflow run . -e base" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_comparing_never_loads_tensorflow(store, tmp_path):
    log_run("base", f1=0.9)
    script = (
        "import sys, compare; compare.main([]); "
        "heavy = {'tensorflow', 'keras', 'sklearn', 'matplotlib'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    environment = {"PYTHONPATH": str(REPOSITORY), "MLFLOW_TRACKING_URI": store}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
