import re

import pytest

from cifake.comparison import compare
from cifake.comparison.condition import Condition, parse_condition
from cifake.comparison.gate import exit_code_of
from cifake.core.errors import ConfigError, RunError
from tests.support.made_runs import log_run, made_scores


def verdicts(compared, *conditions, **keywords):
    found = compare(tracking_uri=compared, **keywords).check(*conditions)
    return {each.variant: each.verdict for each in found}, exit_code_of(found)


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("f1 < 0.93", ("f1", -1, 0.93, None)),
        (" cost/train_seconds>1e3", ("cost/train_seconds", 1, 1000.0, None)),
        ("loss >= .5", ("loss", 1, 0.5, None)),
        ("f1 drops 0.005 vs base", ("f1", -1, -0.005, "base")),
        ("loss rises 0.01 vs base epochs=20", ("loss", 1, 0.01, "base epochs=20")),
    ],
)
def test_conditions(text, condition):
    assert parse_condition(text) == Condition(text, *condition)


@pytest.mark.parametrize(
    "text", ["", "f1", "f1 = 0.9", "f1 < high", "f1 drops 0.1", "f1 drops -1 vs base", "f1 < nan"]
)
def test_what_is_no_condition(text):
    with pytest.raises(ConfigError, match="--fail-if: expected"):
        parse_condition(text)


def test_a_limit_fails_passes_or_cannot_be_told(compared):
    table = compare(tracking_uri=compared).leaderboard().tables[0]
    rows = {row["variant"]: row for row in table.rows}
    sgd = rows["sgd"]
    names = ["base", "sgd"]
    assert verdicts(compared, f"f1 < {sgd['test/f1_low'] - 1e-6}", variants=names) == (
        {"base": "pass", "sgd": "pass"}, 0
    )  # fmt: skip
    assert verdicts(compared, f"f1 < {sgd['test/f1']}", variants=["sgd"]) == ({"sgd": "cannot tell"}, 3)
    assert verdicts(compared, f"f1 < {sgd['test/f1_high'] + 1e-6}", variants=names) == (
        {"base": "pass", "sgd": "fail"} if rows["base"]["test/f1_low"] > sgd["test/f1_high"]
        else {"base": "cannot tell", "sgd": "fail"}, 1
    )  # fmt: skip
    assert verdicts(compared, f"f1 > {sgd['test/f1_low'] - 1e-6}", variants=["sgd"]) == ({"sgd": "fail"}, 1)


def test_a_change_is_judged_on_the_paired_difference(compared):
    assert verdicts(compared, "f1 drops 0.5 vs base", variants=["base", "val", "sgd"]) == (
        {"val": "pass", "sgd": "pass"}, 0
    )  # fmt: skip
    found, code = verdicts(compared, "f1 drops 0.001 vs base")
    assert (found["val"], found["sgd"], code) == ("cannot tell", "fail", 1)
    found, code = verdicts(compared, "loss rises 0.001 vs base")
    assert (found["val"], found["sgd"], code) == ("cannot tell", "fail", 1)
    found, code = verdicts(compared, "f1 rises 0.001 vs sgd", variants=["sgd", "base"])
    assert (found, code) == ({"base": "fail"}, 1)


def test_what_cannot_be_told_says_what_would_help(store):
    for seed, quality in enumerate((1.0, 1.4, 0.8)):
        log_run("base", seed, predictions=made_scores(quality, seed), f1=0.8)
    log_run("single", predictions=made_scores(1.0, 0), f1=0.7)
    log_run("bare", f1=0.6)
    report = compare()
    base, single, _ = report.tables[0].rows
    found = {each.variant: each for each in report.check(f"f1 < {single['test/f1_low'] + 0.01}")}
    assert found["single"].reason == "one seed says nothing about training noise: run at least 3"
    assert found["bare"].reason == "no usable predictions, or a cost with fewer than two seeds"
    limits = (base["test/f1_low"] + 1e-4, found["base"].estimate.value + 1e-4)
    far, near = (report.check(f"f1 < {limit}")[0].reason for limit in limits)
    assert re.fullmatch(r"would need about \d seeds", far)
    assert near == "no number of seeds would tell: it is too close for these test images"


@pytest.mark.parametrize("condition", ["f1 < 0.1", "f1 drops 0.5 vs base"])
def test_a_single_seed_decides_nothing_unless_that_is_allowed(compared, condition):
    report = compare(tracking_uri=compared, variants=["base", "sigmoid"])
    found = {each.variant: each for each in report.check(condition)}
    assert found["sigmoid"].verdict == "cannot tell"
    assert found["sigmoid"].reason == "one seed says nothing about training noise: run at least 3"
    assert exit_code_of([*found.values()]) == 3
    allowed = report.check(condition, allow_single_seed=True)
    assert {each.verdict for each in allowed} == {"pass"}


def test_costs_are_judged_over_seeds(store):
    for seed, seconds in enumerate((10.0, 11.0, 12.0)):
        log_run("base", seed, **{"cost/train_seconds": seconds})
    log_run("once", **{"cost/train_seconds": 11.0})
    found = {each.variant: each for each in compare().check("cost/train_seconds > 20")}
    assert found["base"].verdict == "pass"
    # 11 -+ 4.303 * 1 / sqrt(3)
    assert (found["base"].estimate.low, found["base"].estimate.high) == pytest.approx(
        (8.516, 13.484), abs=1e-3
    )
    assert found["once"].verdict == "cannot tell"


def test_a_mean_over_sets_is_judged_over_seeds(store):
    for seed, accuracy in enumerate((0.80, 0.81, 0.82)):
        log_run("base", seed, predictions=made_scores(1.0, seed), **{"other/weighted/accuracy": accuracy})
    (found,) = compare().check("other/weighted/accuracy < 0.7")
    assert found.verdict == "pass"
    # 0.81 -+ 4.303 * 0.01 / sqrt(3)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((0.7852, 0.8348), abs=1e-4)


def test_unknown_names_are_no_pass(compared):
    report = compare(tracking_uri=compared)
    with pytest.raises(RunError, match="unknown metric 'f2'"):
        report.check("f2 < 0.5")
    with pytest.raises(RunError, match="the baseline 'nope' is not among the rows"):
        report.check("f1 drops 0.1 vs nope")
    with pytest.raises(RunError, match=r"nothing to judge by .* base is the only row"):
        compare(tracking_uri=compared, variants=["base"]).check("f1 drops 0.1 vs base")


def test_costs_of_common_seeds_are_paired(store):
    for seed, seconds in ((1, 10.0), (0, 30.0), (2, 20.0)):
        log_run("base", seed, **{"cost/train_seconds": seconds})
    for seed, seconds in ((0, 31.0), (1, 11.1), (2, 20.9), (7, 21.0)):
        log_run("slow", seed, params={"epochs": 30}, **{"cost/train_seconds": seconds})
    found, _ = verdicts(None, "cost/train_seconds rises 15 vs base", metric="cost/train_seconds")
    assert found == {"slow": "pass"}
