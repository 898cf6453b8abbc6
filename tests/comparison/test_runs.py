"""Which runs count: those of other projects, of other code, and values that are not finite."""

import json
import math
import re

import mlflow
import pytest

from cifake.comparison import compare
from cifake.core.errors import ConfigError, RunError
from cifake.evaluation.metrics import score
from cifake.tracking.resolved_model import find_model
from tests.support.made_runs import LABELS, log_run, made_scores
from tests.support.project import compare as run_compare

NAN, INF = math.nan, math.inf


def rows(report):
    return [(row["variant"], row["seeds"], row[report.metric.key]) for row in report.tables[0].rows]


def notes(report):
    return [note for note in report.tables[0].notes if "predictions.parquet" not in note]


def log_foreign(**tags):
    """A run of another project that has a tag `variant`, and a better F1 than any."""
    mlflow.set_experiment("cifake")
    with mlflow.start_run() as run:
        mlflow.set_tags({"variant": "resnet-ft", **tags})
        mlflow.log_metrics({"test/f1": 0.99})
    return run.info.run_id


def test_runs_of_other_projects_are_left_out_and_counted(store):
    log_run("base", f1=0.8)
    log_foreign()
    log_foreign(dataset="cifake", split="full")
    report = compare()
    assert rows(report) == [("base", 1, 0.8)]
    note = "[other-projects] Runs left out, because they do not keep the run contract of this project: 2."
    assert report.tables[0].notes[-1] == note
    assert len(report.tables) == 1
    with pytest.raises(
        RunError, match=r"no finished variant run that matches .* \(2 of other projects\); make"
    ):
        compare(where="tags.variant = 'resnet-ft'")


def test_rows_with_few_seeds_are_left_out_and_counted(store, capsys):
    for seed in range(3):
        log_run("base", seed, f1=0.5)
    for seed in range(2):
        log_run("sgd", seed, f1=0.9)
    log_run("base", 0, f1=0.5)  # the same seed again is no other
    assert rows(compare(min_seeds=2)) == [("sgd", 2, 0.9), ("base", 3, 0.5)]
    assert "few-seeds" not in str(notes(compare(min_seeds=2)))
    report = compare(min_seeds=3)
    assert rows(report) == [("base", 3, 0.5)]
    assert "[few-seeds] Runs left out by --min-seeds: 2." in notes(report)
    assert run_compare("--min-seeds", "4") == 2
    assert capsys.readouterr().err == (
        "error: min_seeds: expected a variant with test/f1 of 4 seeds, found at most 3\n"
    )
    assert run_compare("--min-seeds", "0") == 2
    for seed, value in ((2, NAN), (3, INF)):  # such a seed counts as none
        log_run("sgd", seed, f1=value)
    assert rows(compare(min_seeds=3)) == [("base", 3, 0.5)]


def test_runs_of_other_projects_are_no_variants(store):
    log_foreign()
    with pytest.raises(RunError, match="no finished run of a variant 'resnet-ft'"):
        find_model("resnet-ft")


def test_unfinished_and_deleted_runs_tools_and_trials_are_no_rows(store):
    log_run("base", f1=0.8)
    log_run("base", 1, f1=0.99, status="FAILED")
    client = mlflow.MlflowClient()
    client.delete_run(log_run("base", 2, f1=0.99))
    client.create_run("1", tags={"tool": "suite"})
    report = compare()
    assert rows(report) == [("base", 1, 0.8)]
    assert notes(report) == []


def log_versions(*versions):
    client = mlflow.MlflowClient()
    for seed, version in enumerate(versions):
        run_id = log_run("base", seed, f1=0.9 if version == "old" else 0.5)
        if version:
            client.set_tag(run_id, "code_version", version)
    client.set_tag(log_run("sgd", f1=0.8), "code_version", "old")


def test_a_row_of_several_code_versions_says_so(store):
    log_versions("old", "old", "new")
    assert notes(compare()) == [
        "[versions] Different code: code_version old of sgd and base (seed 0 and 1); new of base (seed 2); "
        "--group-by code_version tells them apart."
    ]
    run_id = log_run("val", f1=0.7)
    assert "; unknown of val; " in notes(compare())[0]
    mlflow.MlflowClient().set_tag(run_id, "libraries", "keras 3.9.0, jax 0.5.0")
    (told,) = notes(compare())
    assert told.startswith("[versions] Different code, libraries or backend: ")
    assert "; unknown (keras 3.9.0, jax 0.5.0) of val; " in told


def test_rows_of_other_code_say_so_and_rows_of_one_code_do_not(store):
    log_versions("new", "new")
    assert notes(compare()) == [
        "[versions] Different code: code_version old of sgd; new of base; rows may differ by that alone."
    ]
    assert notes(compare(variants=["base"])) == []


def test_a_tag_or_a_param_tells_rows_apart(store, capsys):
    log_versions("old", "old", "new")
    report = compare(group_by="code_version")
    assert rows(report) == [
        ("base code_version=old", 2, 0.9),
        ("sgd", 1, 0.8),
        ("base code_version=new", 1, 0.5),
    ]
    row = report.tables[0].rows[2]
    assert (row["changes"], row["config_hash"]) == (
        "code_version old → new",
        report.tables[0].rows[0]["config_hash"],
    )
    assert "base code_version=new" in report.render("html")
    report = compare(group_by="code_version", baseline="base code_version=new")
    assert report.comparisons[0].reference.name == "base code_version=new"
    assert [len(compare(group_by=key).tables[0].rows) for key in ("epochs", "mlflow.user")] == [2, 2]
    with pytest.raises(
        ConfigError, match="no run has a tag or param 'code_versio'; did you mean 'code_version'"
    ):
        compare(group_by="code_versio")
    assert run_compare("group-by=seed") == 2
    assert "group_by: expected a tag or param other than the seed" in capsys.readouterr().err


def trained(variant, quality, seed, **metrics):
    scores = made_scores(quality, seed)
    return log_run(variant, seed, predictions=scores, **{**score(LABELS, scores), **metrics})


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_a_seed_whose_metric_is_not_finite_does_not_count_and_is_named(store, value):
    trained("base", 1.0, 0)
    trained("base", 1.0, 1, f1=value)
    alone = score(LABELS, made_scores(1.0, 0))["f1"]
    report = compare()
    assert rows(report) == [("base", 1, alone)]
    assert "[not-finite] base: test/f1 of seed 1 is NaN or infinite; not counted." in report.tables[0].notes
    assert "training noise is not in the interval" in report.tables[0].caption
    assert list(report.comparisons[0].groups[0].scores) == ["0"]


def test_a_row_without_any_finite_value_ranks_last(store):
    trained("base", 0.5, 0)
    for seed in range(2):
        trained("sgd", 1.0, seed, f1=INF)
    report = compare()
    assert rows(report)[1] == ("sgd", 2, None)
    assert (
        "[not-finite] sgd: test/f1 of seed 0 and 1 is NaN or infinite; not counted." in report.tables[0].notes
    )


def test_other_columns_say_how_many_seeds_count(store):
    trained("base", 1.0, 0)
    trained("base", 1.0, 1, loss=INF, **{"cost/latency_ms": NAN})
    trained("sgd", 0.5, 0)
    report = compare()
    assert (
        "[not-finite] test/loss is finite for fewer seeds, which alone count: base (1 of 2)."
        in report.tables[0].notes
    )
    assert report.tables[0].rows[0]["test/loss"] == score(LABELS, made_scores(1.0, 0))["loss"]


@pytest.fixture
def broken(store):
    """Runs with a seed each whose loss and curve are not finite, and a cost beyond all columns."""
    trained("base", 1.0, 0, history=[0.5, 0.4, 0.3], **{"cost/train_seconds": 1e300})
    trained("base", 1.0, 1, history=[0.5, INF, 0.3], loss=INF, **{"cost/train_seconds": 1e300})
    trained("sgd", 0.5, 0, history=[INF, NAN, -INF])
    trained("sgd", 0.5, 1, history=[0.5, NAN], loss=NAN)


@pytest.mark.parametrize("metric", ["f1", "loss", "val/loss"])
@pytest.mark.filterwarnings("error")
def test_every_format_survives_values_that_are_not_finite(broken, metric):
    report = compare(metric)
    text = report.render("text")
    assert max(map(len, text.split("\n\n")[2].splitlines())) < 250
    page = report.render("html")
    assert not re.search(r"\b(nan|inf)\b", page.replace("NaN or infinite", ""))
    assert not re.search(r"\d{30}", page)
    json.loads(report.render("json"))
    for form in ("csv", "md", "tex"):
        assert not re.search(r"\b(nan|inf)\b|\d{30}", report.render(form))


def test_curves_say_where_an_epoch_does_not_count(broken):
    table = compare().curves().tables[0]
    assert [row.get("epoch_2") for row in table.rows] == [0.4, None]
    assert table.notes[0] == "val/loss of base and sgd is not finite in some epochs, which do not count."


def test_a_seed_without_the_metric_does_not_count_and_is_named(store):
    log_run("base", 0, mcc=0.5)
    log_run("base", 1, f1=0.9)
    log_run("sgd", 0, f1=0.9)
    table = compare("mcc").tables[0]
    assert [(row["variant"], row["seeds"]) for row in table.rows] == [("base", 1), ("sgd", 1)]
    assert "[no-metric] base: seed 1 has no test/mcc; not counted." in table.notes
    assert not any("sgd" in note for note in table.notes)


def test_a_seed_that_is_not_finite_passes_no_gate_and_is_not_promoted(broken, capsys):
    verdicts = compare().check("loss > 100", "cost/train_seconds > 70", "loss > 0.01")
    assert [(each.verdict, each.variant) for each in verdicts] == [
        ("cannot tell", "base"), ("cannot tell", "sgd"), ("pass", "sgd"), ("fail", "base"),
        ("cannot tell", "base"), ("cannot tell", "sgd"),
    ]  # fmt: skip
    assert verdicts[0].reason == "loss of base is not finite for all seeds"
    assert run_compare("--metric", "loss", "--promote") == 3
    assert "the champion" not in capsys.readouterr().err
    assert not mlflow.MlflowClient().search_model_versions("name = 'cifake'")


def test_the_run_to_promote_is_chosen_by_finite_values(store):
    trained("base", 1.0, 0, history=[0.5, NAN])
    trained("base", 1.0, 1, history=[NAN, 0.3])
    trained("base", 1.0, 2, history=[0.4, INF])
    challenge = compare().challenge(None)
    assert mlflow.get_run(challenge.run_id).data.params["seed"] == "1"
