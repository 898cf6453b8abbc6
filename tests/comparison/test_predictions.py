import re
import shutil

import mlflow
import numpy as np
import pytest

from cifake.comparison import compare
from cifake.comparison.prediction_files import fetch_predictions
from cifake.comparison.run_store import RunStore
from cifake.core.cache_directory import cache_directory
from cifake.tracking.image_set_results import log_image_set
from tests.support.made_runs import LABELS, N, log_run, log_tested, made_scores, table
from tests.support.servers import serve


@pytest.fixture
def good_runs(store):
    """Three usable runs, which decide what the test images are."""
    for seed in range(3):
        log_run("base", seed, predictions=made_scores(1.0, seed), f1=0.8)


def unusable(**keywords):
    """The footnotes and the row of a variant that has one run without usable predictions."""
    run_id = log_run("odd", f1=0.7, **keywords)
    (found,) = compare().tables
    row = next(row for row in found.rows if row["variant"] == "odd")
    assert (row["test/f1"], row["test/f1_low"], row["p"]) == (0.7, None, None)
    assert found.rows[0]["test/f1_low"] is not None
    (note,) = [note for note in found.notes if run_id in note]
    return re.fullmatch(rf"\[no-predictions\] odd, run {run_id}: (.*); not in intervals and tests\.", note)[1]


def test_missing(good_runs):
    assert unusable() == "has no predictions.parquet"


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (table(np.full(N, np.nan)), "has scores that are not probabilities"),
        (table(np.full(N, 1.5)), "has scores that are not probabilities"),
        (table(np.full(N, 0.5)[:-1], LABELS[:-1]), "has 199 predictions, expected 200"),
        (table(np.full(N, 0.5), np.ones(N)), "has test images of one label only"),
        (table(np.full(N, 0.5), 1 - LABELS), "was scored on other test images than most runs"),
        (table(np.full(N, 0.5), paths=["x"] * N), "was scored on other test images than most runs"),
        (table(np.full(N, 0.5)).set_column(3, "score", [[None] * N]), "has predictions with empty cells"),
    ],
)
def test_unusable(good_runs, stored, reason):
    assert unusable(predictions=stored) == reason


def test_not_parquet(good_runs, tmp_path):
    run_id = log_run("odd", f1=0.7)
    path = tmp_path / "artifacts" / run_id / "artifacts" / "predictions.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("no table")
    (found,) = compare().tables
    assert f"odd, run {run_id}: predictions.parquet cannot be read (" in " ".join(found.notes)


def test_other_columns(good_runs):
    assert unusable(predictions=table(np.full(N, 0.5)).drop_columns("object")).startswith(
        "predictions.parquet cannot be read ("
    )


def packed_in_an_unknown_way(file):
    return re.sub(rb"(?s)(PK\x01\x02.{6}).", rb"\1c", file)


@pytest.mark.parametrize("spoil", [lambda file: file[:100], lambda file: b"", packed_in_an_unknown_way])
def test_a_spoilt_cache_is_read_again(good_runs, spoil):
    before = compare().tables[0].rows
    for path in (cache_directory() / "predictions").glob("*.npz"):
        path.write_bytes(spoil(path.read_bytes()))
    assert compare().tables[0].rows == before


@pytest.mark.parametrize("folder", ["/proc/nowhere", "a_file", "with_a_file"])
def test_without_a_cache_predictions_are_read_from_the_store(
    good_runs, tmp_path, monkeypatch, folder, caplog
):
    before = compare().tables[0].rows
    (tmp_path / "a_file").write_text("")
    (tmp_path / "with_a_file").mkdir()
    (tmp_path / "with_a_file" / "predictions").write_text("")
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / folder))
    report = compare()
    assert report.tables[0].rows == before
    assert report.check("f1 < 0")[0].verdict == "pass"  # reads them again
    (warning,) = caplog.messages
    assert warning.startswith("predictions are not cached: ")


def test_a_disk_that_fills_up_while_predictions_are_cached_stops_nothing(good_runs, tmp_path, monkeypatch):
    before = compare().tables[0].rows
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / "other"))
    (cache_directory() / "predictions.lock").mkdir()  # the first thing that is written
    assert compare().tables[0].rows == before
    assert list((cache_directory() / "predictions").iterdir()) == []


def test_predictions_of_a_replaced_robustness_test_are_read_again(good_runs):
    run_id = mlflow.search_runs(["1"])["run_id"][0]
    rows = []
    for quality in (1.0, 0.3):
        log_tested(run_id, {"clean": made_scores(quality, 0)})
        rows += compare("robust/clean/accuracy").tables[0].rows[:1]
    for row in rows:
        low, high = row["robust/clean/accuracy_low"], row["robust/clean/accuracy_high"]
        assert (low + high) / 2 == pytest.approx(row["robust/clean/accuracy"])
    assert rows[0]["robust/clean/accuracy"] > rows[1]["robust/clean/accuracy"]


def test_one_unusable_seed_leaves_the_group_its_interval(good_runs):
    run_id = log_run("base", 3, f1=0.8)
    (found,) = compare().tables
    assert found.rows[0]["seeds"] == 4
    assert found.rows[0]["test/f1_low"] is not None
    assert any(run_id in note for note in found.notes)


def test_one_image_has_no_interval(store):
    run_id = log_run("base")
    stored = {"one": table(np.array([0.1]), LABELS[:1])}
    log_image_set(run_id, "one", "digest", stored, {"one": {"accuracy": 1.0, "images": 1}})
    (found,) = compare("other/one/accuracy").tables
    assert (found.rows[0]["other/one/accuracy"], found.rows[0]["other/one/accuracy_low"]) == (1.0, None)
    assert (
        f"[no-predictions] base, run {run_id}: has fewer than two test images; not in intervals and tests."
        in found.notes
    )


def test_finished_runs_are_read_once(good_runs, tmp_path):
    before = compare().tables[0].rows
    for path in tmp_path.glob("artifacts/*/artifacts/predictions.parquet"):
        path.unlink()
    assert compare().tables[0].rows == before


def test_through_a_tracking_server(tmp_path, empty_store, free_port, monkeypatch):
    store = shutil.copy(empty_store, tmp_path / "served.db")
    monkeypatch.chdir(tmp_path)
    with serve(tmp_path, free_port, store) as uri:
        mlflow.set_tracking_uri(uri)
        try:
            for seed in range(2):
                log_run("base", seed, predictions=made_scores(1.0, seed), f1=0.8)
            log_run("odd", f1=0.7)
        finally:
            mlflow.set_tracking_uri(None)
        (found,) = compare(tracking_uri=uri).tables
    assert [row["test/f1_low"] is not None for row in found.rows] == [True, False]
    assert "has no predictions.parquet" in found.notes[0]


def test_nothing_to_fetch(store):
    assert fetch_predictions(RunStore(), []) == {}
