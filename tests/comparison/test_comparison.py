import os

import mlflow
import pytest

from cifake.comparison import compare
from cifake.core.errors import ConfigError, RunError
from tests.support.made_runs import log_run, log_trained, log_trial


def comparison(metric="f1", **filters):
    return compare(metric, **filters).tables


def cells(table, *keys):
    return [tuple(row[key] for key in keys) for row in table.rows]


def test_repeats_are_one_row_with_mean_deviation_and_number(store):
    for seed, f1 in enumerate((0.90, 0.92, 0.94)):
        log_run("base", seed, f1=f1)
    log_run("sgd", f1=0.93)
    (table,) = comparison()
    assert cells(table, "rank", "variant", "seeds") == [(1, "sgd", 1), (2, "base", 3)]
    assert table.rows[1]["test/f1"] == pytest.approx(0.92)
    assert table.rows[1]["test/f1_std"] == pytest.approx(0.02)
    assert table.rows[0]["test/f1_std"] is None
    f1 = next(column for column in table.columns if column.key == "test/f1")
    assert [f1.show(row) for row in table.rows] == ["0.9300", "0.9200 ± 0.0200"]


def test_best_first_by_the_metrics_own_direction(store):
    log_run("base", loss=0.3, f1=0.8)
    log_run("sgd", loss=0.1, f1=0.7)
    assert cells(comparison("loss")[0], "variant") == [("sgd",), ("base",)]
    assert cells(comparison("f1")[0], "variant") == [("base",), ("sgd",)]
    assert cells(comparison("test/f1")[0], "variant") == [("base",), ("sgd",)]
    assert "lower is better" in comparison("loss")[0].caption


@pytest.mark.parametrize(
    "metric", ["search/best_score", "explain/border_share", "robust/clean/fake_share", "x/mine"]
)
def test_a_metric_of_unknown_direction_needs_one(store, metric):
    for variant, value in (("base", 3.0), ("sgd", 5.0)):
        log_run(variant, **{metric: value})
    with pytest.raises(ConfigError, match=rf"{metric}: it is not known .*; add --direction lower or --dir"):
        comparison(metric)
    (lower,) = comparison(metric, direction="lower")
    assert cells(lower, "variant") == [("base",), ("sgd",)]
    assert f": {metric}, lower is better;" in lower.caption
    assert cells(comparison(metric, direction="higher")[0], "variant") == [("sgd",), ("base",)]


def test_doubts_and_failed_trials_are_better_when_fewer(store):
    log_run("base", **{"robust/doubts": 2.0, "search/failed_trials": 0.0})
    log_run("sgd", **{"robust/doubts": 0.0, "search/failed_trials": 1.0})
    assert cells(comparison("robust/doubts")[0], "variant") == [("sgd",), ("base",)]
    assert cells(comparison("search/failed_trials")[0], "variant") == [("base",), ("sgd",)]


def test_a_direction_that_contradicts_the_metrics_own_is_refused(store):
    log_run("base")
    assert comparison("f1", direction="higher") == comparison("f1")
    with pytest.raises(ConfigError, match="direction of test/f1: expected higher, received 'lower'"):
        comparison("f1", direction="lower")
    with pytest.raises(ConfigError, match="direction of best_epoch: expected higher or lower, received 'up'"):
        comparison("best_epoch", direction="up")


def test_a_report_keeps_to_its_store_and_leaves_mlflows_settings_alone(compared, store):
    parent = log_run("tuned", history=[0.9, 0.8])
    log_trial(parent, 1, score=0.9)
    first = compare(tracking_uri=store)
    mlflow.set_tracking_uri(compared)
    environment = dict(os.environ)
    second = compare(tracking_uri=compared)
    assert cells(first.curves().tables[0], "variant", "epoch_1") == [("tuned", 0.9)]
    assert cells(first.trials().tables[0], "trial", "score") == [(1, 0.9)]
    assert second.curves().tables[0].rows[0]["epoch_3"] == pytest.approx(0.3)
    compare(tracking_uri=store)
    assert mlflow.get_tracking_uri() == compared
    assert dict(os.environ) == environment


def test_a_server_that_does_not_answer_is_named_within_seconds(free_port):
    uri = f"http://user:secret@127.0.0.1:{free_port}"
    with pytest.raises(RunError) as error:
        compare(tracking_uri=uri)
    address = f"http://127.0.0.1:{free_port}"
    refused = "Failed to establish a new connection: [Errno 111] Connection refused"
    assert str(error.value) == f"the store {address} does not answer ({refused})"


def test_other_data_and_other_splits_make_other_tables(store):
    log_run("base", f1=0.9)
    log_run("base", split="small", f1=0.7)
    log_run("sgd", digest="d2", f1=0.8)
    tables = comparison()
    assert [
        (t.metadata["split"], t.metadata["dataset_digest"], cells(t, "variant", "rank")) for t in tables
    ] == [
        ("full", "d1-full", [("base", 1)]),
        ("full", "d2-full", [("sgd", 1)]),
        ("small", "d1-small", [("base", 1)]),
    ]
    assert tables[0].caption.startswith("cifake, split full, 20,000 test images: test/f1, higher is better;")
    assert [t.metadata["split"] for t in comparison(split="small")] == ["small"]


def test_splits_of_the_same_test_images_are_paired_in_one_table(store):
    log_trained("base", 0.8, seeds=(0, 1))
    log_trained("strong", 1.2, seeds=(0, 1), split="all")
    log_run("other", split="all", digest="d2", f1=0.8)
    log_run("base", split="small", f1=0.7)
    ours, of_other_data = comparison("accuracy", split="full,all")
    assert ours.caption.startswith("cifake, split full and all, 200 test images: test/accuracy")
    assert cells(ours, "variant", "verdict") == [("strong", "reference"), ("base", "worse")]
    assert cells(of_other_data, "variant") == [("other",)]
    assert cells(comparison(split="full,all", variants=["strong"])[0], "variant") == [("strong",)]
    with pytest.raises(RunError, match=r"^no finished run with split 'small'; there are: all$"):
        comparison(split="small", variants=["strong"])


def test_variants_of_one_name_are_told_apart_by_what_differs(store):
    log_run("base", f1=0.9)
    log_run("base", params={"epochs": 5}, f1=0.8)
    log_run("sgd", f1=0.7)
    assert cells(comparison()[0], "variant") == [("base epochs=20",), ("base epochs=5",), ("sgd",)]


def test_no_two_rows_have_one_name(store):
    """Names are what differences and ranks are looked up by, also where settings tell nothing apart."""
    for resize, f1 in (("prepare", 0.9), ("refuse", 0.8)):
        log_run("base", params={"resize": resize}, f1=f1)
    names = [row["variant"] for row in compare().tables[0].rows]
    assert names == ["base resize=prepare", "base resize=refuse"]
    client = mlflow.MlflowClient()
    for number in "ab":
        run_id = log_run("sgd", f1=0.7)
        client.set_tag(run_id, "config_hash", number)
    names = [row["variant"] for row in compare().tables[0].rows]
    assert sorted(names[2:]) == ["sgd config_hash=a", "sgd config_hash=b"]


def test_what_the_config_hash_leaves_out_names_no_row(store):
    for seed, export in ((0, "None"), (1, "h5")):
        run_id = log_run("base", seed, params={"export": export, "robustness": "False"}, f1=0.9)
        mlflow.MlflowClient().set_tag(run_id, "config_hash", "one")
    log_run("base", params={"epochs": 5}, f1=0.8)
    rows = compare().tables[0].rows
    assert [(row["variant"], row["seeds"]) for row in rows] == [("base epochs=20", 2), ("base epochs=5", 1)]
    assert rows[1]["changes"] == "epochs 20 → 5"


def test_a_number_of_test_images_that_is_none_is_unknown(store):
    run_id = log_run("base", f1=0.9)
    for text, caption in (("200.0", ", 200 test images:"), ("1,000", "an unknown number of test images")):
        mlflow.MlflowClient().set_tag(run_id, "test_images", text)
        assert caption in compare().tables[0].caption


def test_a_setting_that_one_group_lacks_is_not_in_its_name(store):
    log_run("base", params={"schedule": None})
    log_run("base", params={"schedule.kind": "cosine"})
    names = {row["variant"] for row in compare("f1").tables[0].rows}
    assert names == {"base schedule=None", "base schedule.kind=cosine"}


def test_only_finished_variant_runs_count(store):
    log_run("base", f1=0.9)
    log_run("sgd", f1=0.99, status="FAILED")
    log_run("val", f1=0.99, status="RUNNING")
    with mlflow.start_run():  # a tool's run
        mlflow.log_metric("test/f1", 1.0)
    assert cells(comparison()[0], "variant") == [("base",)]


def test_filters(store):
    for variant in ("base", "sgd", "val"):
        log_run(variant, f1=0.9)
    log_run("base", 1, experiment="Default", f1=0.5)
    log_run("other", experiment="mine", f1=0.5)
    assert cells(comparison(variants=["sgd", "val"])[0], "variant") == [("sgd",), ("val",)]
    assert comparison(variants=["base"])[0].rows[0]["seeds"] == 2  # of cifake and Default
    assert cells(comparison(experiments=["mine"])[0], "variant") == [("other",)]
    assert cells(comparison(experiments=["mine", "cifake"])[0], "variant")[-1] == ("other",)
    assert cells(comparison(where="params.seed = '1'")[0], "variant") == [("base",)]
    (table,) = comparison(top=2)
    assert len(table.rows) == 2
    assert table.notes[-1] == "[rows-not-shown] Rows left out: 1."


def test_the_baseline_is_shown_even_below_the_top(store):
    log_run("best", f1=0.9)
    log_run("middle", f1=0.8)
    log_run("base", f1=0.7)
    (table,) = comparison(top=1, baseline="base")
    assert cells(table, "rank", "variant", "reference") == [(1, "best", False), (3, "base", True)]


def test_a_row_without_the_metric_stays_last(store):
    log_run("base", f1=0.5)
    log_run("sgd", mcc=0.9, f1=0.6)
    assert cells(comparison("mcc")[0], "variant", "test/mcc") == [("sgd", 0.9), ("base", None)]


def test_the_newest_of_runs_with_the_same_seed_counts_and_the_table_says_so(store):
    for f1 in (0.7, 0.8, 0.9):
        log_run("base", seed=0, f1=f1)
    (table,) = comparison()
    assert cells(table, "seeds", "test/f1") == [(1, 0.9)]
    assert (
        "[run-again] Runs left out, because the same settings and seed were run again later: 2."
        in table.notes
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"metric": "f2"}, "unknown metric 'f2'; known: accuracy, f1, loss, best_epoch, cost/train_seconds"),
        ({"experiments": ["nope"]}, "unknown experiment 'nope'; known: cifake, Default"),
        ({"variants": ["nope"]}, "no finished run with variant 'nope'; there are: base"),
        ({"split": "small"}, "no finished run with split 'small'; there are: full"),
        ({"where": "params.seed = '7'"}, "no finished variant run that matches \"params.seed = '7'\" in "),
        ({"where": "seed is 7"}, "MLflow cannot read the filter 'seed is 7'"),
        (
            {"baseline": "nope"},
            "'nope' is not among the rows of cifake, split full; there are: 'base epochs=",
        ),
        ({"baseline": "base"}, "the baseline 'base' fits more than one row of cifake, split full; there are"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(store, call, message):
    log_run("base", f1=0.9)
    log_run("base", params={"epochs": 5}, f1=0.9)
    with pytest.raises(RunError, match=message):
        comparison(**call)


def test_an_empty_store_says_how_to_make_a_run(store):
    with pytest.raises(
        RunError, match=r"no finished variant run in .* make a run first: mlflow run \. -e base"
    ):
        comparison()
