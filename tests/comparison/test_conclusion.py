import json

import numpy as np
import pandas as pd
import pytest

from cifake.comparison import compare
from cifake.comparison.groups import Group, name_list
from cifake.comparison.render.text import text
from cifake.comparison.run_store import RunStore
from cifake.comparison.runs import fetch_runs, with_value
from cifake.comparison.standings import changes
from cifake.comparison.table import Section
from cifake.evaluation.metrics import score
from tests.support.made_runs import LABELS, log_run, log_trained, made_scores


def conclusion(metric="f1", **keywords):
    return compare(metric, **keywords).tables[0].conclusion


def by_name(table):
    return {row["variant"]: row for row in table.rows}


def group(**settings):
    return Group("x", 1, pd.DataFrame([{f"params.{key}": value for key, value in settings.items()}]), {})


def test_the_conclusion_says_who_leads_who_ties_who_is_worse_and_what_would_decide(compared):
    assert conclusion("accuracy", tracking_uri=compared) == (
        "val leads with accuracy 0.8500. base and sigmoid (one seed) cannot be told from it. sgd is worse, "
        "by 0.1600. With 95 % confidence the best is among val, base, sigmoid. "
        "No number of seeds would decide base. Run at least 3 seeds of sigmoid."
    )
    assert conclusion("loss", tracking_uri=compared) == (
        "val leads with loss 0.3866. base and sigmoid (one seed) cannot be told from it. sgd is worse, "
        "by 0.2103. sigmoid (one seed) is not shown to beat always answering the share of FAKE "
        "(0.6931). With 95 % confidence the best is among val, base, sigmoid. About 143 more seeds would "
        "decide base. Run at least 3 seeds of sigmoid."
    )


def test_with_a_baseline_the_others_are_better_or_worse_than_it(compared):
    assert conclusion("accuracy", tracking_uri=compared, baseline="sgd") == (
        "val leads with accuracy 0.8500. val and base are better than sgd, by 0.1567 to 0.1600. "
        "sigmoid (one seed) cannot be told from sgd. With 95 % confidence the best is among val, base, "
        "sigmoid. Run at least 3 seeds of sigmoid."
    )


def test_a_single_row_and_runs_without_predictions_have_a_conclusion(store):
    log_run("base", f1=0.9)
    assert conclusion() == "base leads with F1 0.9000."
    log_run("sgd", f1=0.8, loss=0.1)
    assert conclusion() == "base leads with F1 0.9000. Without predictions no difference is tested."
    assert conclusion("loss").startswith("sgd leads with loss 0.1000.")
    assert conclusion("cost/train_seconds").startswith("base leads with cost/train_seconds 60.0.")
    log_run("base", 1, f1=0.5)
    assert conclusion().startswith("sgd (one seed) leads with F1 0.8000.")


def test_the_same_models_are_called_that(store):
    for variant, steps in (("base", 23), ("val", 10)):
        for seed in (0, 1):
            scores = made_scores(1.0, seed)
            log_run(variant, seed, predictions=scores, params={"validation_steps": steps}, f1=0.8)
    (table,) = compare().tables
    row = by_name(table)["val"]
    assert (row["verdict"], row["difference"], row["difference_low"], row["difference_high"]) == (
        "equivalent", 0, 0, 0
    )  # fmt: skip
    assert "val is the same models as it." in table.conclusion


def test_a_margin_adds_equivalent(compared):
    narrow, wide = (compare("accuracy", margin=m, tracking_uri=compared).tables[0] for m in (0.0, 0.15))
    assert [row["verdict"] for row in narrow.rows[:2]] == ["reference", "cannot tell"]
    assert [row["verdict"] for row in wide.rows[:2]] == ["reference", "equivalent"]
    assert f"{wide.rows[1]['variant']} is equivalent to it, within 0.15." in wide.conclusion


def test_verdicts_agree_with_the_intervals_and_p_values_shown(compared):
    for metric in ("f1", "accuracy", "loss", "roc_auc"):
        for baseline in (None, "sgd"):
            (table,) = compare(metric, baseline=baseline, tracking_uri=compared).tables
            for row in table.rows:
                if row["reference"]:
                    assert (row["verdict"], row["difference"]) == ("reference", None)
                    continue
                if row["variant"] == "sigmoid":  # one seed: of the images alone, so it decides nothing
                    assert (row["verdict"], row["tied"]) == ("cannot tell", True)
                    continue
                leaves_out_0 = row["difference_low"] > 0 or row["difference_high"] < 0
                assert leaves_out_0 == (row["verdict"] in ("better", "worse")) == (row["p_adjusted"] <= 0.05)


def test_without_a_baseline_leaderboard_and_pairwise_have_the_same_intervals(compared):
    report = compare("accuracy", tracking_uri=compared)
    rows = by_name(report.tables[0])
    best = report.tables[0].rows[0]["variant"]
    pairs = [row for row in report.pairwise().tables[0].data if row["variant"] == best]
    assert len(pairs) == 3
    for pair in pairs:
        assert pair["difference_high"] == pytest.approx(-rows[pair["other"]]["difference_low"])
        assert pair["p_adjusted"] == pytest.approx(rows[pair["other"]]["p_adjusted"])


def test_possible_ranks_and_the_best_set_stand_in_the_rows(compared):
    (table,) = compare("accuracy", tracking_uri=compared).tables
    rows = by_name(table)
    assert {name for name, row in rows.items() if row["may_be_best"]} == {"base", "val", "sigmoid"}
    assert (rows["base"]["rank_from"], rows["base"]["rank_to"]) == (1, 3)
    assert (rows["sigmoid"]["rank_from"], rows["sigmoid"]["rank_to"]) == (1, 4)  # one seed
    (column,) = [column for column in table.columns if column.title == "ranks"]
    assert column.show(rows["base"]) == "1-3"


@pytest.mark.parametrize(
    ("own", "reference", "expected"),
    [
        ({"optimizer": "sgd"}, {"optimizer": "adam"}, "optimizer adam → sgd"),
        ({"model.filters": "[8]"}, {"model.filters": "[32]"}, "filters [32] → [8]"),
        ({"a": "1", "b": "1", "c": "1"}, {"a": "0"}, "a 0 → 1, b none → 1 and 1 more"),
        ({}, {"a": "0", "schedule.kind": "step"}, "schedule.kind step → none, a 0 → none"),
        ({"seed": "1", "variant": "x"}, {"seed": "0", "variant": "y"}, ""),
        ({"validation_steps": "10"}, {"validation_steps": "23"}, "validation_steps 23 → 10"),
        (
            {"validation_steps": "10", "epochs": "5"},
            {"validation_steps": "23", "epochs": "20"},
            "epochs 20 → 5",
        ),
        (
            {"tuner.kind": "Hyperband", "search.lr.min": "0.1", "optimizer": "sgd", "epochs": "5"},
            {"tuner": "None", "search": "None", "optimizer": "adam", "epochs": "20"},
            "search, 2 settings",
        ),
    ],
)  # fmt: skip
def test_what_a_variant_is_comes_from_the_settings_that_differ(own, reference, expected):
    assert changes(group(**own), group(**reference)) == expected


def test_long_lists_of_names_end_in_a_count():
    assert name_list(["a"]) == "a"
    assert name_list(["a", "b", "c"]) == "a, b and c"
    assert name_list(list("abcdefgh")) == "a, b, c, d, e and 3 others"


def test_80_columns_keep_everything_up_to_the_verdict(compared):
    section = Section("leaderboard", compare("accuracy", tracking_uri=compared).tables)
    lines = text([section], width=80).splitlines()
    assert max(map(len, lines)) <= 80
    (head,) = [line for line in lines if line.startswith("#")]
    assert head.split() == [
        "#",
        "variant",
        "seeds",
        "accuracy",
        "difference",
        "95",
        "%",
        "interval",
        "verdict",
    ]
    assert lines[0].split()[1:4] == ["leads", "with", "accuracy"]
    assert "[too-wide] Columns that do not fit into 80 characters: would decide, differs in," in lines


def test_every_format_begins_with_the_conclusion(compared):
    report = compare("accuracy", tracking_uri=compared)
    said = report.tables[0].conclusion
    assert json.loads(report.render("json"))["leaderboard"][0]["conclusion"] == said
    assert report.render("md").startswith(f"**{said}**\n")
    assert report.render("text").startswith(said)
    assert said in report.render("html")
    assert said in report._repr_html_()
    assert rf"\caption{{{said.replace('%', chr(92) + '%')}" in report.render("tex")


def test_a_metric_of_an_epoch_is_that_of_the_kept_epoch(store):
    log_run("new", history=[0.5, 0.3, 0.9], **{"best_epoch": 1.0, "best/val_loss": 0.3})
    log_run("old", history=[0.4, 0.6, 0.1], best_epoch=0.0)
    log_run("bare", history=[0.8, 0.7])  # its best epoch, 3, is not in its history
    (table,) = compare("val/loss").tables
    assert {row["variant"]: row["val/loss"] for row in table.rows} == {"new": 0.3, "old": 0.4, "bare": 0.7}
    assert [row["variant"] for row in table.rows] == ["new", "old", "bare"]
    assert "val/loss of the kept epoch, lower is better" in table.caption
    runs = fetch_runs(RunStore())
    assert with_value(RunStore(), runs, "test/f1") is runs
    assert [v.verdict for v in compare().check("val/loss > 0.5")] == ["cannot tell"] * 3
    (table,) = compare("best_epoch", direction="lower").tables  # from 1, as every epoch that people read
    assert {row["variant"]: row["best_epoch"] for row in table.rows} == {"old": 1, "new": 2, "bare": 4}


def test_epochs_count_from_1_and_the_view_says_so(store):
    log_run("base", history=[0.5, 0.3, 0.9], best_epoch=1.0)
    (table,) = compare().curves().tables
    assert table.rows[0]["epoch_kept"] == 2
    assert [column.title for column in table.columns][-3:] == ["1", "2", "3"]
    assert "epochs count from 1 (MLflow's steps from 0)" in table.caption


def test_costs_differ_only_beyond_their_spread(store):
    for seed, (dear, cheap, close) in enumerate([(3.0, 1.0, 2.9), (4.0, 1.5, 3.5), (5.0, 2.0, 3.1)]):
        for variant, f1, latency in (("dear", 0.9, dear), ("cheap", 0.9, cheap), ("close", 0.9, close)):
            log_run(variant, seed, f1=f1, **{"cost/latency_ms": latency})
    rows = by_name(compare().pareto().tables[0])
    assert {name: row["cost/latency_ms_front"] for name, row in rows.items()} == {
        "dear": False, "cheap": True, "close": False
    }  # fmt: skip
    assert rows["dear"]["cost/latency_ms_std"] == 1.0
    for seed in range(3):  # 0.01 ms less, of a spread of 1 ms
        log_run("twin", seed, f1=0.9, **{"cost/latency_ms": 0.99 + 0.5 * seed})
    rows = by_name(compare().pareto().tables[0])
    assert rows["cheap"]["cost/latency_ms_front"]
    assert rows["twin"]["cost/latency_ms_front"]


def test_a_tie_in_the_metric_takes_no_group_off_the_front(compared):
    rows = by_name(compare("accuracy", tracking_uri=compared).pareto().tables[0])
    assert {name for name, row in rows.items() if row["cost/parameters_front"]} == {"base", "val", "sigmoid"}


def test_a_noisy_group_takes_no_better_one_off_the_front(store):
    for seed, noisy in enumerate((0.2, 1.0, 1.9)):
        for variant, strength, parameters in (("good", 2.0, 9.0), ("fair", 1.0, 5.0), ("noisy", noisy, 5.0)):
            scores = made_scores(strength, seed)
            costs = {"cost/parameters": parameters}
            log_run(variant, seed, predictions=scores, **score(LABELS, scores), **costs)
    report = compare("accuracy")
    assert {row["variant"]: row["verdict"] for row in report.tables[0].rows} == {
        "good": "reference", "fair": "worse", "noisy": "cannot tell",
    }  # fmt: skip
    rows = by_name(report.pareto().tables[0])
    assert {name for name, row in rows.items() if row["cost/parameters_front"]} == {"good", "fair", "noisy"}


def test_the_forest_plot_is_dashed_for_one_seed_and_coloured_by_verdict(compared):
    report = compare("accuracy", tracking_uri=compared)
    (figure,) = report.figures
    left, right = figure.axes
    rows = report.tables[0].rows
    assert figure.get_suptitle().replace("\n", " ").startswith(f"{rows[0]['variant']} leads with accuracy ")
    intervals = {line.get_ydata()[0]: line for line in right.lines if len(set(line.get_ydata())) == 1
                 and len(line.get_xdata()) == 2}  # fmt: skip
    drawn = {
        rows[place]["variant"]: (line.get_linestyle(), line.get_color()) for place, line in intervals.items()
    }
    assert drawn == {
        rows[1]["variant"]: ("-", "#7F7F7F"), "sgd": ("-", "#D55E00"), "sigmoid": ("--", "#7F7F7F")
    }  # fmt: skip
    ends = intervals[1].get_xdata()
    assert list(ends) == [rows[1]["difference_low"], rows[1]["difference_high"]]
    words = {text.get_text() for text in left.texts}
    assert {"reference", "optimizer adam → sgd"} <= words
    assert any(word.endswith("one seed") for word in words)


def test_a_forest_plot_without_predictions_has_one_panel(store):
    log_run("base", f1=0.9)
    log_run("sgd", f1=0.8)
    (figure,) = compare().figures
    assert len(figure.axes) == 1
    figure.draw_without_rendering()


def test_scores_far_apart_are_a_verdict_though_the_interval_is_clipped(store):
    for seed in range(3):
        log_trained("good", 9.0, [seed])
        log_trained("bad", -9.0, [seed])
    row = by_name(compare("accuracy").tables[0])["bad"]
    assert row["verdict"] == "worse"
    assert -1 <= row["difference_low"] <= row["difference_high"] < 0


def test_the_best_of_many_that_are_shown_have_no_ranks(store):
    """They were chosen by their values: a set of the best among them would promise too much."""
    for variant, quality in (("a", 1.2), ("b", 1.1), ("c", 1.0)):
        log_trained(variant, quality, range(3))
    shown = compare("accuracy", top=2).tables[0]
    assert [(row["rank_from"], row["may_be_best"]) for row in shown.rows] == [(None, None)] * 2
    assert "confidence" not in shown.conclusion
    assert "With 95 % confidence" in compare("accuracy").tables[0].conclusion


def test_different_models_without_a_mistake_are_not_called_equivalent(store):
    perfect = np.where(LABELS == 1, 0.9, 0.1)
    for seed in range(3):
        log_run("a", seed, predictions=perfect, accuracy=1.0)
        log_run("b", seed, predictions=perfect * 0.9, accuracy=1.0)
    table = compare("accuracy").tables[0]
    assert "b cannot be told from it." in table.conclusion
    assert "No number of seeds would decide b." in table.conclusion
    (verdict,) = compare("accuracy", variants=["a"]).check("accuracy < 0.983")
    assert verdict.reason == "no number of seeds would tell: it is too close for these test images"


def test_a_row_without_a_finite_value_is_not_tested(store):
    for seed in range(3):
        log_trained("a", 1.0, [seed])
        log_run("b", seed, predictions=made_scores(0.5, seed), f1=float("nan"))
    table = compare().tables[0]
    assert by_name(table)["b"]["verdict"] is None
    assert table.conclusion == "a leads with F1 0.8471. Without predictions no difference is tested."


def test_a_leader_whose_best_seeds_have_no_predictions_says_so(store):
    for seed, (f1, quality) in enumerate(((0.99, None), (0.98, None), (0.6, 0.5))):
        predictions = None if quality is None else made_scores(quality, seed)
        log_run("a", seed, predictions=predictions, f1=f1, images=200)
    log_trained("b", 1.0, range(3))
    table = compare().tables[0]
    assert table.conclusion.startswith(
        "a leads with F1 0.8567. That is its mean over 3 seeds, and the tests on the 1 with predictions."
    )
    assert compare().challenge(None).text == "1 of 3 seeds of a have usable predictions"
