import re

import numpy as np
import pytest
from matplotlib.legend import Legend
from sklearn.metrics import accuracy_score, f1_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from cifake.comparison import VIEW_NAMES, compare
from cifake.comparison.figures import FIGURES
from cifake.comparison.render.text import text
from cifake.comparison.views import VIEWS
from cifake.contract import KINDS, PERTURBATIONS
from cifake.core.errors import RunError
from tests.support.made_runs import (
    FOLDER,
    LABELS,
    LEFT,
    OBJECTS,
    N,
    log_run,
    log_tested,
    log_trained,
    log_trial,
    made_scores,
    table,
)
from tests.support.project import compare as run_command


def by_name(table, key="variant"):
    return {row[key]: row for row in table.rows}


def test_the_names_that_the_command_line_knows_are_those_of_the_views():
    assert tuple(VIEWS) == VIEW_NAMES
    assert set(FIGURES) <= set(VIEWS)


def test_leaderboard(compared):
    (table,) = compare("accuracy", tracking_uri=compared).tables
    rows = by_name(table)
    values = [accuracy_score(LABELS, made_scores(1.0, seed) >= 0.5) for seed in (0, 1, 2)]
    assert rows["base"]["test/accuracy"] == pytest.approx(np.mean(values))
    assert rows["base"]["test/accuracy_std"] == pytest.approx(np.std(values, ddof=1))
    assert rows["base"]["test/accuracy_low"] < np.mean(values) < rows["base"]["test/accuracy_high"]
    assert {row["variant"] for row in table.rows if row["tied"]} == {"base", "val", "sigmoid"} - {
        table.rows[0]["variant"]
    }
    assert rows["sgd"]["difference"] == pytest.approx(
        rows["sgd"]["test/accuracy"] - table.rows[0]["test/accuracy"]
    )
    assert rows["sgd"]["difference_high"] < 0
    for row in table.rows[1:]:
        assert row["p_adjusted"] >= row["p"]
        if row["variant"] == "sigmoid":
            continue  # one seed: of the images alone, so it decides nothing
        assert (row["verdict"] == "worse") == (row["difference_high"] < 0) == (row["p_adjusted"] <= 0.05)
    assert {row["variant"]: row["verdict"] for row in table.rows[1:]} == {
        table.rows[1]["variant"]: "cannot tell", "sgd": "worse", "sigmoid": "cannot tell"
    }  # fmt: skip
    assert "[one-seed] sigmoid: one seed, so training noise is not in the interval." in table.caption
    assert "their intervals and p hold for all 6 pairs together" in table.caption
    assert "Cannot tell does not prove two equal." in table.caption


def test_the_control_must_tie_and_says_so(compared):
    (table,) = compare(tracking_uri=compared).tables
    (note,) = [note for note in table.notes if note.startswith("[control] ")]
    assert "in validation alone" in note
    assert note.endswith("a tie, as it must be.")


def test_a_control_that_differs_is_a_warning(store):
    for seed in range(3):
        for variant, quality, steps in (("base", 1.0, 23), ("val", 0.2, 10)):
            log_run(variant, seed, predictions=made_scores(quality, seed), params={"validation_steps": steps})
    assert any("NOT a tie" in note for note in compare().tables[0].notes)


def test_a_control_of_the_same_models_says_so_and_other_seeds_are_preferred(store):
    for variant, seeds, steps in (("base", (0, 1), 23), ("val", (0, 1), 10)):
        for seed in seeds:
            log_run(variant, seed, predictions=made_scores(1.0, seed), params={"validation_steps": steps})
    (note,) = [note for note in compare().tables[0].notes if "control" in note]
    assert "are the same models, which says nothing" in note
    for seed in (2, 3):
        log_run("val", seed, predictions=made_scores(1.0, seed), params={"validation_steps": 10})
    (note,) = [note for note in compare().tables[0].notes if "control" in note]
    f1 = {seed: _f1(made_scores(1.0, seed), slice(None)) for seed in range(4)}
    assert f"Difference {(f1[2] + f1[3]) / 2 - (f1[0] + f1[1]) / 2:+.4f} [" in note


def test_a_baseline_moves_the_differences(compared):
    (table,) = compare(baseline="sgd", tracking_uri=compared).tables
    rows = by_name(table)
    assert rows["sgd"]["difference"] is None
    assert rows["sgd"]["reference"]
    assert rows["base"]["difference_low"] > 0
    assert "Differences are from sgd" in table.caption


def test_confidence_widens_intervals(compared):
    narrow, wide = (
        compare(confidence=level, tracking_uri=compared).tables[0].rows[0] for level in (0.8, 0.99)
    )
    assert wide["test/f1_low"] < narrow["test/f1_low"] < narrow["test/f1_high"] < wide["test/f1_high"]


def test_few_mistakes_have_wilsons_interval_within_the_metrics_bounds(store):
    scores = np.where(LABELS == 1, 0.9, 0.1)
    scores[:2] = 0.9  # one mistake in 200: 0.995 + 1.96 * 0.005 > 1
    log_run("base", predictions=scores, accuracy=0.995)
    row = compare("accuracy").tables[0].rows[0]
    low, high = proportion_confint(0.995 * 199, 199, method="wilson")  # n - 1, as in every variance
    assert (row["test/accuracy_low"], row["test/accuracy_high"]) == pytest.approx((low, high))


def test_intervals_end_where_the_metric_does(store):
    scores = np.where(LABELS == 1, 0.9, 0.1)
    scores[:2] = 0.9
    log_run("base", predictions=scores, f1=0.995)
    row = compare().tables[0].rows[0]
    assert row["test/f1_low"] < row["test/f1_high"] == 1


def test_the_interval_of_a_difference_ends_where_the_metric_does(store):
    for variant, seeds in (("base", (0, 1)), ("sgd", (2, 3))):
        for seed, quality in zip(seeds, (3.0, -3.0), strict=True):
            log_run(variant, seed, predictions=made_scores(quality, seed), accuracy=0.5)
    row = compare("accuracy", baseline="sgd").tables[0].rows
    (low, high), *_ = [(r["difference_low"], r["difference_high"]) for r in row if not r["reference"]]
    assert (low, high) == (-1, 1)  # 4.3 * sqrt(0.47) = 2.9 without the metric's bounds


@pytest.mark.parametrize(
    ("metric", "sentence"),
    [
        ("f1", "Always answering FAKE gives 0.6667."),
        ("accuracy", "Always answering FAKE gives 0.5000."),
        ("loss", "Always answering the share of FAKE gives 0.6931."),
        ("brier", "Always answering the share of FAKE gives 0.2500."),
        ("roc_auc", "Always answering the share of FAKE gives 0.5000."),
    ],
)
def test_the_caption_says_what_a_model_that_has_learned_nothing_would_have(compared, metric, sentence):
    report = compare(metric, tracking_uri=compared)
    assert sentence in report.tables[0].caption
    (figure,) = report.figures
    left = figure.axes[0]
    value = float(sentence.split()[-1].rstrip("."))
    said = sentence.rstrip(".").replace("Always answering", "always").replace(" gives", "")
    assert (said in {text.get_text() for text in left.texts}) == (
        left.get_xlim()[0] <= value <= left.get_xlim()[1]
    )


def test_single_seeds_have_mcnemars_test_on_accuracy(store):
    scores = {"base": made_scores(1.0, 0), "sgd": made_scores(0.3, 1)}
    for variant, of_variant in scores.items():
        log_run(variant, predictions=of_variant, accuracy=0.8 if variant == "base" else 0.7)
    row = by_name(compare("accuracy").tables[0])["sgd"]
    right, wrong = ((each >= 0.5) == LABELS for each in scores.values())
    table = [
        [np.sum(right & wrong), np.sum(right & ~wrong)],
        [np.sum(~right & wrong), np.sum(~right & ~wrong)],
    ]
    assert row["mcnemar_p_holm"] == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert by_name(compare("f1").tables[0])["sgd"]["mcnemar_p_holm"] is None


def test_a_cost_has_mean_and_deviation_and_no_test(compared):
    (table,) = compare("cost/parameters", tracking_uri=compared).tables
    assert "cost/parameters" in by_name(table)["base"]
    assert by_name(table)["base"]["cost/parameters_low"] is None
    assert [column.title for column in table.columns][:6] == [
        "#", "variant", "seeds", "cost/parameters", "differs in", "F1"
    ]  # fmt: skip
    assert "intervals" not in table.caption


def test_pairwise(compared):
    view = compare(tracking_uri=compared).pairwise()
    pairs = view.frame
    assert len(pairs) == 6
    assert (pairs["p_adjusted"] >= pairs["p"]).all()
    one_seed = (pairs["variant"] == "sigmoid") | (pairs["other"] == "sigmoid")
    assert pairs["tied"][one_seed].all()
    several = pairs[~one_seed]
    inside = (several["difference_low"] <= 0) & (several["difference_high"] >= 0)
    assert (several["tied"] == inside).all()
    assert (several["tied"] == (several["p_adjusted"] > 0.05)).all()
    tied = {frozenset((row.variant, row.other)): row.tied for row in pairs.itertuples()}
    assert tied[frozenset(("base", "val"))]
    assert not tied[frozenset(("base", "sgd"))]


def test_pairwise_is_a_matrix_for_people(compared):
    view = compare(tracking_uri=compared).pairwise()
    (table,) = view.tables
    assert "verdicts hold for all 6 pairs together, at 95 %: the row is" in table.caption
    names = [row["variant"] for row in table.rows]
    assert [column.title for column in table.columns] == ["#", "variant", *names]
    cells = {
        (row["variant"], column.title): column.show(row) for row in table.rows for column in table.columns[2:]
    }
    for pair in view.frame.itertuples():
        sign, opposite = ("▲", "▼") if pair.verdict == "better" else ("~", "~")
        assert cells[pair.variant, pair.other] == f"{sign} {pair.difference:+.4f}"
        assert cells[pair.other, pair.variant] == f"{opposite} {-pair.difference:+.4f}"
    assert {cells[name, name] for name in names} == {"-"}
    (figure,) = view.figures
    assert {text.get_text() for text in figure.axes[0].texts} == set(cells.values()) - {"-"}


def test_pairwise_of_long_names_keeps_every_verdict_in_80_columns(store):
    for number in range(6):
        log_trained(f"a variant {number} with a very long name of more than forty letters", 1.0, [number])
    lines = text([compare().pairwise().section()], width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert "Too wide" not in "".join(lines)
    assert "".join(lines).count("~") == 30 + 1  # and in the caption


def test_in_pairwise_a_higher_loss_is_worse(compared):
    view = compare("loss", tracking_uri=compared, variants=["base", "sgd"]).pairwise()
    (table,) = view.tables
    assert [row["variant"] for row in table.rows] == ["base", "sgd"]
    assert "verdicts hold at 95 %: the row is" in table.caption
    shown = [[column.show(row) for column in table.columns] for row in table.rows]
    assert [shown[0][3][:3], shown[1][2][:3]] == ["▲ -", "▼ +"]


def test_pairwise_of_many_has_the_signs_alone(store):
    for number in range(13):
        log_trained(
            f"a_much_longer_name_{number:02}", 1.0 if number < 12 else -1.5, range(3 * number, 3 * number + 3)
        )
    view = compare("accuracy").pairwise()
    (table,) = view.tables
    assert [column.title for column in table.columns][2:] == [str(rank) for rank in range(1, 14)]
    assert table.rows[12]["variant"] == "a_much_longer_name_12"
    assert [column.show(table.rows[12]) for column in table.columns[2:]] == ["▼"] * 12 + ["-"]
    (figure,) = view.figures
    (axes,) = figure.axes
    assert len(axes.texts) == 13 * 12
    coloured = np.ma.getdata(axes.collections[0].get_array()).reshape(13, 13)
    assert coloured[0, 1] == coloured[1, 0] == 0  # what cannot be told has no colour
    assert coloured[0, 12] == -coloured[12, 0] > 0
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {0.0}
    figure.draw_without_rendering()
    assert figure.get_tightbbox().x1 <= figure.get_figwidth()  # inches; the title, too


def test_columns_of_many_groups_are_ranks_and_a_note_says_whose(store):
    for number in range(9):
        log_trained(f"v{number}", 1.0 - number / 10, [0])
    view = compare("accuracy").slices()
    (table,) = view.tables
    assert [column.title for column in table.columns] == ["object", "images", *map(str, range(1, 10))]
    names = [row["variant"] for row in compare("accuracy").tables[0].rows]
    listed = ", ".join(f"{rank} {name}" for rank, name in enumerate(names, start=1))
    assert f"Columns are ranks: {listed}." in table.notes
    assert view.figures[0].axes[0].get_xlabel().replace("\n", " ") == listed


def test_settings_shows_the_values_of_the_reference_once_and_what_differs(compared):
    (table,) = compare(baseline="base", tracking_uri=compared).settings().tables
    rows = by_name(table)
    assert {name: row["settings"] for name, row in rows.items()} == {
        "base": "activation none, optimizer adam, validation_steps 23",
        "val": "validation_steps 23 → 10",
        "sgd": "optimizer adam → sgd",
        "sigmoid": "activation none → sigmoid",
    }
    assert {key for key in rows["base"] if key.startswith("params.")} == {
        "params.optimizer", "params.validation_steps", "params.activation"
    }  # fmt: skip
    assert (rows["sgd"]["params.optimizer"], rows["base"]["params.optimizer"]) == ("sgd", "adam")
    assert rows["base"]["params.activation"] is None


def test_settings_of_a_search_are_narrow(store):
    log_run("base", params={"model.filters": "[32, 32]"})
    space = {f"search.s{number}.values": "[1, 2]" for number in range(50)}
    log_run("tuned", f1=0.8, params={"model.filters": "[64, 64]", "tuner.kind": "Hyperband", **space})
    report = compare()
    (table,) = report.settings().tables
    assert [row["settings"] for row in table.rows] == ["filters [32, 32]", "filters [32, 32] → [64, 64]"]
    assert not [key for row in table.rows for key in row if "search" in key or "tuner" in key]
    lines = text([report.settings().section()], width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert "→ [64, 64]" in " ".join(" ".join(lines).split())


def test_a_setting_typed_in_another_form_is_no_difference(store):
    log_run("base", 0, params={"model.filters": "[64,64]", "learning_rate": "1e-3", "augment": "true"})
    log_run(
        "wide", 0, f1=0.8, params={"model.filters": "[64, 64]", "learning_rate": "0.001", "augment": "True"}
    )
    report = compare()
    assert [row["changes"] for row in report.tables[0].rows] == [None, ""]
    assert [row["settings"] for row in report.settings().tables[0].rows] == ["", None]


def test_slices_are_a_matrix_weakest_class_first(compared):
    view = compare(tracking_uri=compared, variants=["base", "sgd"]).slices()
    (table,) = view.tables
    assert [column.title for column in table.columns] == ["object", "images", "base", "sgd"]
    expected = {
        (variant, name): np.mean([_f1(made_scores(quality, seed), name == OBJECTS) for seed in (0, 1, 2)])
        for variant, quality in (("base", 1.0), ("sgd", 0.4))
        for name in ("cat", "dog")
    }
    found = {(r["variant"], r["object"]): r["test/f1"] for r in view.frame.to_dict("records")}
    assert found == pytest.approx(expected)
    assert [row["images"] for row in table.rows] == [100, 100]
    for _, of_variant in view.frame.groupby("variant"):
        assert of_variant["test/f1"].is_monotonic_increasing
    means = [np.mean([expected[variant, row["object"]] for variant in ("base", "sgd")]) for row in table.rows]
    assert means[0] < means[1]
    for place, variant in ((2, "base"), (3, "sgd")):
        shown = {row["object"]: table.columns[place].show(row) for row in table.rows}
        weakest = min(("cat", "dog"), key=lambda name: expected[variant, name])
        assert shown == {
            name: f"{'↓ ' * (name == weakest)}{expected[variant, name]:.4f}" for name in ("cat", "dog")
        }
    (by_loss,) = compare("loss", tracking_uri=compared, variants=["base"]).slices().tables
    shown = [by_loss.columns[2].show(row) for row in by_loss.rows]
    assert shown[0].startswith("↓ ")
    assert float(shown[0][2:]) > float(shown[1])


def _f1(scores, rows):
    return f1_score(LABELS[rows], scores[rows] >= 0.5)


def test_classes_of_one_image_are_left_out_of_slices(store):
    objects = [*["cat"] * (N - 1), "dog"]
    for seed in (0, 1):
        scores = table(made_scores(1.0, seed))
        log_run("base", seed, predictions=scores.set_column(1, "object", [objects]))
    view = compare("accuracy").slices()
    assert [(row["object"], row["images"]) for row in view.tables[0].rows] == [("cat", N - 1)]
    assert np.isfinite(view.frame["test/accuracy_low"]).all()


def test_slices_of_a_cost_are_refused(compared):
    with pytest.raises(RunError, match="slices needs a metric of predictions such as f1, received cost/par"):
        compare("cost/parameters", tracking_uri=compared).slices()


def test_pareto(store):
    for variant, f1, parameters, seconds in (("a", 0.9, 100, 9), ("b", 0.8, 10, 9), ("c", 0.7, 50, 5)):
        log_run(variant, f1=f1, **{"cost/parameters": parameters, "cost/train_seconds": seconds})
    rows = by_name(compare().pareto().tables[0])
    assert [rows[name]["cost/parameters_front"] for name in "abc"] == [True, True, False]
    assert [rows[name]["cost/train_seconds_front"] for name in "abc"] == [True, False, True]
    assert [rows[name]["front"] for name in "abc"] == ["parameters, training s", "parameters", "training s"]


def test_pareto_has_the_costs_that_some_run_logged(store):
    log_run("early", f1=0.9, **{"cost/parameters": 100.0})
    titles = [column.title for column in compare().pareto().tables[0].columns]
    assert titles[-3:] == ["on the front of", "parameters", "training s"]
    log_run("late", f1=0.8, **{"cost/parameters": 10.0, "cost/operations": 5e6})
    view = compare().pareto()
    expected = ["parameters", "operations", "training s"]
    assert [column.title for column in view.tables[0].columns][-3:] == expected
    rows = by_name(view.tables[0])
    assert (rows["early"]["cost/operations"], rows["late"]["cost/operations"]) == (None, 5e6)
    (figure,) = view.figures
    assert [axes.get_xlabel() for axes in figure.axes] == expected
    label = figure.axes[1].xaxis.get_major_formatter()
    assert [label(value) for value in (0, 1.5, 2e4, 5e6)] == ["0", "1.5", "20 k", "5 M"]


def test_curves(compared):
    rows = by_name(compare(tracking_uri=compared).curves().tables[0])
    assert [rows["base"][f"epoch_{epoch}"] for epoch in (1, 2, 3)] == pytest.approx([0.5, 0.4, 0.3])
    assert "epoch_3" not in rows["sgd"]
    assert rows["base"]["epoch_kept"] == 4
    assert rows["base"]["epoch_1_std"] == 0


def test_noise_names_where_it_comes_from_and_what_one_seed_more_buys(compared):
    view = compare(tracking_uri=compared).noise()
    (table,) = view.tables
    rows = {row["variant"]: row for row in table.rows}
    base, single = rows["base"], rows["sigmoid"]
    assert base["share_images"] + base["share_seeds"] + base["share_both"] == pytest.approx(1)
    assert base["standard_error"] > base["with_one_more_seed"] > base["with_any_number"] > 0
    assert base["gain"] == pytest.approx(1 - base["with_one_more_seed"] / base["standard_error"])
    assert (single["share_images"], single["with_one_more_seed"]) == (None, None)
    assert single["standard_error"] > 0
    assert table.caption.endswith("[one-seed] sigmoid: one seed, so training noise is not in the interval.")
    (figure,) = view.figures
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "val",
        "base",
        "sgd",
        "sigmoid",
    ]
    with pytest.raises(RunError, match="the view noise needs a metric of predictions such as f1"):
        compare("cost/train_seconds", tracking_uri=compared).noise()


def test_calibration(compared):
    (table,) = compare(tracking_uri=compared).calibration().tables
    row = by_name(table)["base"]
    briers = [np.mean((made_scores(1.0, seed) - LABELS) ** 2) for seed in (0, 1, 2)]
    assert row["test/brier"] == pytest.approx(np.mean(briers), abs=1e-6)
    assert row["mean_score"] == pytest.approx(np.mean([made_scores(1.0, s).mean() for s in (0, 1, 2)]))
    assert row["test/ece_low"] >= 0
    assert "50.0% of the images are FAKE" in table.caption


def test_trials_of_a_search_are_no_rows_but_a_view(store):
    parent = log_run("tuned", f1=0.9)
    for number, rate, score in ((1, "0.01", 0.8), (2, "0.1", None), (3, "0.001", 0.9)):
        log_trial(parent, number, score, learning_rate=rate, monitor="val/accuracy", epochs="5")
    report = compare()
    assert [row["variant"] for row in report.tables[0].rows] == ["tuned"]
    (table,) = report.trials().tables
    assert [(row["trial"], row["score"], row["params.learning_rate"]) for row in table.rows] == [
        (3, 0.9, "0.001"), (1, 0.8, "0.01"), (2, None, "0.1")
    ]  # fmt: skip
    assert table.rows[2]["reason"] == "RunError: the loss is nan"
    assert [column.title for column in table.columns] == [
        "trial", "score", "epochs", "seconds", "state", "reason", "learning_rate"
    ]  # fmt: skip
    assert [row["epochs"] for row in table.rows] == [5, 5, 5]
    assert all(0 <= row["seconds"] < 60 for row in table.rows)
    assert "best first by val/accuracy" in table.caption
    assert '<section id="trials">' in report.render("html")


def test_a_variants_name_may_have_spaces(store):
    for rate in ("0.1", "0.2"):
        parent = log_run("a b", params={"learning_rate": rate}, f1=float(rate))
        log_trial(parent, 1, 0.8, monitor="val/accuracy")
    assert [row["variant"] for row in compare().settings().tables[0].rows] == ["a b", "a b"]
    assert [row["title"] for row in compare().trials().tables[0].rows] == ["a b", "a b"]


def test_trials_with_a_loss_as_their_objective_are_ranked_lowest_first(store):
    parent = log_run("tuned")
    for number, score in ((1, 0.8), (2, 0.5)):
        log_trial(parent, number, score, monitor="best/val_loss")
    assert [row["trial"] for row in compare().trials().tables[0].rows] == [2, 1]


def test_trials_keep_number_score_budget_and_settings_in_80_columns(store):
    varied = [f"model.a_setting_with_a_long_name_{number}" for number in range(12)]
    for seed in (0, 1):
        parent = log_run("tuned", seed, f1=0.9)
        for number in (1, 2):
            settings = dict.fromkeys(varied, f"[{number}, 64]")
            log_trial(parent, number, number / 10, monitor="val/accuracy", epochs="5", **settings)
    section = compare().trials().section()
    assert [column.title for column in section.tables[0].columns] == [
        "#", "search", "seed", "trial", "score", "epochs", "seconds", "settings"
    ]  # fmt: skip
    lines = text([section], width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert "Too wide" not in "".join(lines)
    assert " ".join(lines).count("name_11") == 4


@pytest.fixture
def grid(store):
    """Two numbers of filters by two optimizers, one of them with wide filters only."""
    for optimizer, filters, values in (
        ("adam", "[8,8]", (0.6, 0.7)),
        ("adam", "[32, 32]", (0.8, 0.9)),
        ("sgd", "[32, 32]", (0.5,)),
    ):
        for seed, value in enumerate(values):
            params = {"optimizer": optimizer, "model.filters": filters}
            log_run("base", seed, f1=value, params=params)


def test_runs_of_one_split_alone_were_evaluated_on_other_images(store):
    log_trained("base", 0.8, seeds=(0, 1), tested=True)
    log_trained("base", 0.8, seeds=(0, 1), split="all")
    tables = {table.metadata["split"]: table for table in compare().test_sets().tables}
    assert [row["variant"] for row in tables["full"].rows] == ["base"]
    assert tables["all"].rows == []
    assert "Images from elsewhere" in compare().render("html")


def test_pivot_is_the_mean_by_two_settings(grid):
    view = compare().pivot("model.filters", "optimizer")
    (table,) = view.tables
    assert [column.title for column in table.columns] == ["filters", "optimizer adam", "optimizer sgd"]
    assert [[column.show(row) for column in table.columns] for row in table.rows] == [
        ["[8, 8]", "0.6500 ± 0.0707 (2)", "-"],
        ["[32, 32]", "* 0.8500 ± 0.0707 (2)", "0.5000 (1)"],
    ]
    assert not [note for note in table.notes if "together" in note]
    cells = {(row["params.model.filters"], row["params.optimizer"]): row for row in table.data}
    assert cells["[8, 8]", "adam"]["test/f1"] == pytest.approx(0.65)
    assert cells["[32, 32]", "sgd"]["runs"] == 1
    assert len(view.frame) == 3
    (figure,) = view.figures
    assert "* 0.8500 ± 0.0707 (2)" in {label.get_text() for label in figure.axes[0].texts}
    tex = compare().render("tex", "pivot", pivot=["model.filters", "optimizer"])
    assert r"[32, 32] & \textbf{* 0.8500 $\pm$ 0.0707 (2)} & 0.5000 (1) \\" in tex


def test_pivot_by_one_setting_notes_what_else_differs_in_a_cell(grid):
    (table,) = compare("loss").pivot("optimizer").tables
    assert [column.title for column in table.columns] == ["optimizer", "loss"]
    assert [row["row"] for row in table.rows] == ["adam", "sgd"]
    assert "[mixed-cell] adam: 2 variants together, which differ in filters." in table.notes


def test_pivot_of_an_unknown_setting_names_the_nearest(grid):
    with pytest.raises(RunError, match=r"^unknown setting 'model\.filter'; did you mean 'model\.filters'"):
        _ = compare().pivot("model.filter").tables
    with pytest.raises(RunError, match=r"^pivot: expected settings such as .*, received none$"):
        compare().pivot()


def test_pivot_of_a_setting_that_runs_of_one_split_alone_have(store):
    log_run("base", split="full", f1=0.8)
    log_run("base", split="small", f1=0.7, params={"patience": 3})
    tables = compare().pivot("patience").tables
    assert [[(row["row"], row["mean_"]) for row in table.rows] for table in tables] == [
        [("none", 0.8)], [("3", 0.7)]
    ]  # fmt: skip


def test_a_page_has_a_pivot_where_settings_are_given(grid):
    assert '<section id="pivot">' in compare().render("html", pivot=["optimizer"])
    assert '<section id="pivot">' not in compare().render("html")


@pytest.mark.parametrize(
    "view",
    [
        name
        for name in VIEW_NAMES
        if name not in ("trials", "robustness", "test_sets", "pivot", "images", "near_copies")
    ],
)
def test_views_of_runs_without_predictions_and_curves_are_no_crash(store, view):
    log_run("base", f1=0.9)
    log_run("$x_1$", f1=0.8)
    shown = compare().view(view)
    assert any("has no predictions.parquet" in note for note in shown.tables[0].notes)
    assert len(shown.figures) == (1 if view in ("leaderboard", "pareto", "curves") else 0)


def test_robustness(compared):
    (table,) = compare(tracking_uri=compared).robustness().tables
    row = by_name(table)["base"]
    for name, left in LEFT.items():
        values = [accuracy_score(LABELS, made_scores(left, seed) >= 0.5) for seed in (0, 1, 2)]
        key = f"robust/{name}/accuracy"
        assert row[key] == pytest.approx(np.mean(values))
        assert row[f"{key}_low"] < row[key] < row[f"{key}_high"]
    assert [column.title for column in table.columns] == [
        "#", "variant", "seeds", "images", "weighted", "clean", "blur_0.5", "blur_1", "pgd_8"
    ]  # fmt: skip
    assert (row["robust/images"], row["robust/weighted_accuracy"]) == (200, 0.5)
    assert table.notes == []


def test_runs_that_were_not_tested_are_named(store):
    log_trained("base", 1.0, [0], tested=True)
    log_trained("sgd", 0.5, [0])
    (table,) = compare().robustness().tables
    assert [row["variant"] for row in table.rows] == ["base"]
    assert "[one-seed] base: one seed" in table.caption
    assert table.notes == ["[not-tested] sgd; see mlflow run . -e robustness."]


def test_only_the_seeds_that_were_tested_count(store):
    log_trained("base", 1.0, [0], tested=True)
    log_trained("base", 1.0, [1, 2])
    (table,) = compare().robustness().tables
    assert [(row["variant"], row["seeds"]) for row in table.rows] == [("base", 1)]
    assert "[one-seed] base: one seed" in table.caption
    assert table.notes == ["[partly-tested] 1 of 3 seeds tested: base."]


def test_what_a_partial_test_lacks_is_one_note_a_group(store):
    log_trained("base", 1.0, [0], tested=True)
    run_id = log_run("base", 1, predictions=made_scores(1.0, 1))
    log_tested(run_id, {name: made_scores(1.0, 1) for name in ("clean", "pgd_8")})
    run_id = log_run("sgd", 0, predictions=made_scores(0.5, 0))
    log_tested(run_id, {"clean": made_scores(0.5, 0)})
    (table,) = compare().robustness().tables
    assert sorted(table.notes) == [
        "[partly-tested] base: under 2 of 4 not with all seeds; means are over those that were.",
        "[partly-tested] sgd: not tested under 3 of 4 perturbations.",
    ]
    rows = by_name(table)
    assert rows["sgd"]["robust/pgd_8/accuracy"] is rows["sgd"]["robust/pgd_8/accuracy_low"] is None
    assert rows["base"]["robust/blur_1/accuracy_low"] < rows["base"]["robust/blur_1/accuracy"]


def test_a_robust_metric_is_compared_on_its_own_predictions(compared, store):
    (table,) = compare("robust/pgd_8/accuracy", tracking_uri=compared).tables
    rows = by_name(table)
    assert table.rows[0]["variant"] == "sigmoid"  # the least sure, so the least wrong
    assert rows["base"]["difference_high"] < 0
    assert rows["base"]["p_adjusted"] < 0.05
    right = {
        name: (made_scores(-quality, 0) >= 0.5) == LABELS
        for name, quality in (("sigmoid", 0.2), ("sgd", 0.4))
    }
    assert rows["sigmoid"]["robust/pgd_8/accuracy"] == pytest.approx(right["sigmoid"].mean())
    (table,) = compare("robust/weighted_accuracy", tracking_uri=compared).tables
    assert by_name(table)["base"]["robust/weighted_accuracy"] == 0.5
    with pytest.raises(RunError, match=r"known: accuracy.* robust/<perturbation>/accuracy$"):
        compare("robust/pgd_3/accuracy", tracking_uri=compared)


def test_weighted_accuracies_of_different_attacks_are_not_compared(store, capsys):
    for variant, seed, adversary in (("base", 0, None), ("base", 1, "fgsm_8"), ("sgd", 0, "fgsm_1")):
        run_id = log_run(variant, seed, predictions=made_scores(1.0, seed))
        log_tested(run_id, {"clean": made_scores(1.0, seed)}, adversary=adversary)
    different = "fgsm_1 in sgd seed 0; fgsm_8 in base seed 0 and base seed 1"
    assert run_command("--metric", "robust/weighted_accuracy") == 2
    assert capsys.readouterr().err == (
        f"error: robust/weighted_accuracy: expected the same attack in all runs, found {different}; test "
        "them with one adversary, or choose runs with --variant\n"
    )
    (table,) = compare("robust/weighted_accuracy", variants=["base"]).tables
    assert table.rows[0]["robust/weighted_accuracy"] == 0.5
    (table,) = compare().robustness().tables
    assert [row.get("robust/weighted_accuracy") for row in table.rows] == [None, None]
    assert f"under an attack. Not shown, since the attack differs: {different}." in table.caption
    for form in ("text", "csv", "json", "html"):
        assert compare().render(form, "robustness")
    (table,) = compare(variants=["base"]).robustness().tables
    assert table.rows[0]["robust/weighted_accuracy"] == 0.5
    assert "Not shown" not in table.caption


def test_tests_of_other_images_are_not_paired(store):
    for seed in range(2):
        log_trained("base", 1.0, [seed], tested=True)
    run_id = log_run("odd", predictions=made_scores(1.0, 3))
    few = {name: made_scores(1.0, 3)[:100] for name in LEFT}
    log_tested(run_id, few, "robustness/100-images_10-steps_1-restarts_seed-0")
    (table,) = compare("robust/blur_1/accuracy").tables
    assert by_name(table)["odd"]["robust/blur_1/accuracy_low"] is None
    assert f"odd, run {run_id}: was scored on other test images than most runs" in table.notes[0]
    assert "an unknown number of test images" in table.caption


def test_a_robustness_test_of_earlier_versions_is_read_beside_a_new_one(store):
    right = {}
    for seed, earlier in ((0, False), (1, True)):
        run_id = log_run("base", seed, predictions=made_scores(1.0, seed))
        scores = {name: made_scores(left, seed) for name, left in LEFT.items()}
        log_tested(run_id, scores, earlier=earlier)
        right[seed] = {name: accuracy_score(LABELS, each >= 0.5) for name, each in scores.items()}
    report = compare("robust/pgd_8/accuracy")
    for name in LEFT:
        mean = (right[0][name] + right[1][name]) / 2
        assert report.robustness().tables[0].rows[0][f"robust/{name}/accuracy"] == pytest.approx(mean)
    row = report.tables[0].rows[0]
    mean = (right[0]["pgd_8"] + right[1]["pgd_8"]) / 2
    assert (row["seeds"], row["robust/pgd_8/accuracy"]) == (2, pytest.approx(mean))
    assert row["robust/pgd_8/accuracy_low"] < mean < row["robust/pgd_8/accuracy_high"]
    verdicts = compare().check("robust/pgd_8/accuracy > 0.99", "robust/blur_1/f1 < 0.01")
    assert [verdict.verdict for verdict in verdicts] == ["pass", "pass"]
    assert verdicts[0].estimate.value == pytest.approx(mean)


def test_of_a_test_that_was_replaced_the_newest_values_count(store):
    run_id = log_run("base", predictions=made_scores(1.0, 0))
    for quality, folder in ((1.0, FOLDER), (0.2, f"{FOLDER}_test-2")):
        log_tested(run_id, {name: made_scores(quality * left, 0) for name, left in LEFT.items()}, folder)
        accuracy = accuracy_score(LABELS, made_scores(quality * LEFT["blur_1"], 0) >= 0.5)
        row = compare("robust/blur_1/accuracy").tables[0].rows[0]
        assert row["robust/blur_1/accuracy"] == pytest.approx(accuracy)
        middle = (row["robust/blur_1/accuracy_low"] + row["robust/blur_1/accuracy_high"]) / 2
        assert middle == pytest.approx(accuracy, abs=0.02)  # of the same test's predictions


def test_a_line_over_strengths_is_no_metric_to_rank_by(compared):
    with pytest.raises(RunError, match=r"unknown metric 'robust/pgd/accuracy'; .*robust/<perturbation>"):
        compare("robust/pgd/accuracy", tracking_uri=compared)


@pytest.mark.parametrize("measured", [["pgd_8"], ["clean", "pgd_8"], ["clean", *PERTURBATIONS[1:]]])
def test_curves_of_robustness_are_of_what_was_measured(store, measured):
    for seed in (0, 1):
        run_id = log_run("base", seed, predictions=made_scores(1.0, seed))
        log_tested(run_id, {name: made_scores(0.5, seed + len(name)) for name in measured})
    (figure,) = compare().robustness().figures
    heat, *panels = [axes for axes in figure.axes if axes.axison]
    kinds = dict.fromkeys(name.partition("_")[0] for name in measured if name != "clean")
    assert [axes.get_title() for axes in panels] == list(kinds)
    assert [tick.get_text() for tick in heat.get_xticklabels()] == measured
    for axes in panels:
        start = axes.lines[0].get_xdata()[-1 if axes.xaxis_inverted() else 0]
        if "clean" in measured and axes.get_title() not in ("brightness", "contrast"):
            assert start == KINDS[axes.get_title()].none
        assert len(axes.collections) == 1  # the range of the seeds
        strengths = KINDS[axes.get_title()].strengths
        assert axes.xaxis_inverted() == (strengths[-1] < KINDS[axes.get_title()].none)


def test_a_test_of_clean_images_alone_is_a_heat_map_alone(store):
    log_tested(log_run("base", predictions=made_scores(1.0, 0)), {"clean": made_scores(1.0, 0)})
    (figure,) = compare().robustness().figures
    assert len(figure.axes) == 1


@pytest.mark.parametrize("view", [name for name in FIGURES if name not in ("pivot", "images")])
def test_figures_draw_every_group(compared, view):
    (figure,) = compare(tracking_uri=compared).view(view).figures
    figure.draw_without_rendering()
    words = {
        label.get_text()
        for axes in figure.axes
        for label in (*axes.texts, *axes.get_yticklabels(), *axes.get_xticklabels())
    }
    words |= {label.get_text() for legend in figure.legends for label in legend.get_texts()}
    assert {"base", "val", "sgd", "sigmoid"} <= words


@pytest.mark.parametrize("name", ["_mine", "two\nlines"])
def test_legends_and_pages_have_names_of_any_form(store, name):
    log_trained(name, 1.0, [0, 1], history=[0.5, 0.4], tested=True, **{"cost/parameters": 10.0})
    for view in ("pareto", "curves", "calibration", "noise", "robustness", "test_sets"):
        (figure,) = compare().view(view).figures
        assert name in {text.get_text() for legend in figure.findobj(Legend) for text in legend.get_texts()}
    buttons = re.findall('aria-pressed="false" data-series="([^"]*)"', compare().render("html"))
    assert buttons.count(name) == 6


def test_many_groups_have_a_shape_each_and_the_legend_says_which_are_left_out(store):
    for number in range(21):
        log_run(f"v{number:02}", f1=0.9 - number / 100, **{"cost/parameters": number})
    (figure,) = compare().pareto().figures
    (legend,) = figure.legends
    assert legend.get_title().get_text() == "the first 20 of 21"
    assert [text.get_text() for text in legend.get_texts()] == [f"v{number:02}" for number in range(20)]
    looks = {(line.get_color(), line.get_marker()) for line in legend.legend_handles}
    assert len(looks) == 20
    page = compare().render("html")
    assert page.count("the first 20 of 21") == 1  # the other figures need predictions or epochs
    looks = set(re.findall('<i style="width: .6rem; height: .6rem; background: ([^"]*)"', page))
    assert len(looks) == 20


def test_every_run_has_its_address(store):
    for seed in (10, 9):
        run_id = log_run("base", seed, f1=0.5 + seed / 100)
    (table,) = compare().every_run().tables
    assert [(row["seed"], row["test/f1"], row["epoch_kept"]) for row in table.rows] == [
        ("9", 0.59, 4.0),
        ("10", 0.6, 4.0),
    ]
    assert table.rows[0]["address"] == f"http://127.0.0.1:5000/#/experiments/1/runs/{run_id}"
    assert table.notes[0].endswith(f"mlflow ui --backend-store-uri {store}")


def test_a_run_shows_no_value_that_is_not_finite(store):
    log_run("base", **{"cost/train_seconds": float("inf"), "best_epoch": float("nan")})
    (row,) = compare().every_run().tables[0].rows
    assert (row["cost/train_seconds"], row["epoch_kept"], row["test/f1"]) == (None, None, 0.9)
