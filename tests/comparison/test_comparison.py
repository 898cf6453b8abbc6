import mlflow
import pytest

from cifake.comparison import compare
from cifake.core.errors import RunError
from tests.support.made_runs import log_run


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


def test_other_data_and_other_splits_make_other_tables(store):
    log_run("base", f1=0.9)
    log_run("base", split="small", f1=0.7)
    log_run("sgd", digest="d2", f1=0.8)
    tables = comparison()
    assert [(t.about["split"], t.about["dataset_digest"], cells(t, "variant", "rank")) for t in tables] == [
        ("full", "d1-full", [("base", 1)]),
        ("full", "d2-full", [("sgd", 1)]),
        ("small", "d1-small", [("base", 1)]),
    ]
    assert tables[0].caption.startswith("cifake, split full, 20,000 test images: test/f1, higher is better;")
    assert [t.about["split"] for t in comparison(split="small")] == ["small"]


def test_variants_of_one_name_are_told_apart_by_what_differs(store):
    log_run("base", f1=0.9)
    log_run("base", params={"epochs": 5}, f1=0.8)
    log_run("sgd", f1=0.7)
    assert cells(comparison()[0], "variant") == [("base epochs=20",), ("base epochs=5",), ("sgd",)]


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
    assert table.notes[-1] == "Rows not shown: 1."


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
    assert "Runs left out, because the same settings and seed were run again later: 2." in table.notes


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
