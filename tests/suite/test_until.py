"""Suites that add seeds until a condition is decided."""

import mlflow
import numpy as np
import psutil
import pytest

from cifake.comparison import compare
from cifake.comparison.condition import Condition, parse_until
from cifake.core.errors import ConfigError
from cifake.suite.options import parse
from cifake.suite.plan import make_jobs
from cifake.suite.until import Until
from tests.support.made_runs import log_run, made_scores
from tests.support.project import BASE, EXPERIMENTS
from tests.support.suites import end, runs, start, wait_for, workers

SGD = EXPERIMENTS / "sgd.yaml"


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("wide beats base in f1", ("f1", -1, 0.0, "base", "wide", "beats")),
        ("wide beats base in loss", ("loss", 1, 0.0, "base", "wide", "beats")),
        ("wide differs from base in roc_auc", ("roc_auc", -1, 0.0, "base", "wide", "differs from")),
        ("f1 < 0.93", ("f1", -1, 0.93, None)),
        ("f1 drops 0.005 vs base", ("f1", -1, -0.005, "base")),
    ],
)
def test_what_a_suite_can_find_out(text, condition):
    assert parse_until(text) == Condition(text, *condition)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["until=wide is better"], "until: expected 'wide beats base in f1', 'wide differs from base in "),
        (["until=wide beats base in f2"], "until: expected a metric such as f1, loss or cost/latency_ms, "
         "received 'f2'"),
        (["until=f1 drops -1 vs base"], "until: expected a change of 0 or more, received -1.0"),
        (["until=best_epoch > 3"], "until: expected a metric such as f1, loss or cost/latency_ms, "
         "received 'best_epoch'"),
        (["until=f1 < 0.9", "seeds=3"], "seeds: expected none with until, which trains seeds 0, 1, 2 ... up"),
        (["max_seeds=5"], "max_seeds: only with until"),
        (["until=f1 < 0.9", "max_seeds=2"], "max_seeds: expected greater than or equal to 3, received '2'"),
    ],
)  # fmt: skip
def test_a_wrong_condition_is_named_before_anything_is_read(words, message):
    with pytest.raises(ConfigError) as caught:
        parse(words)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wide beats base in f1", "until: expected variants of this suite (base, sgd), received 'wide'"),
        ("base beats base in f1", "until: expected another variant to compare with base"),
        ("sgd beats base in robust/pgd_2/accuracy", "until: robust/pgd_2/accuracy needs robustness=true"),
        ("sgd beats base in cost/latency_ms", "until: expected a metric of predictions such as f1, received "
         "'cost/latency_ms'"),
    ],
)  # fmt: skip
def test_a_condition_that_the_suite_cannot_answer_is_refused(text, message):
    jobs = make_jobs([str(BASE), str(SGD)], range(3), {"dataset": "demo", "split": "small"})
    with pytest.raises(ConfigError) as caught:
        Until(parse_until(text), jobs, 3)
    assert str(caught.value) == message


def test_variants_with_the_same_settings_are_refused(tmp_path):
    (tmp_path / "same.yaml").write_text(f"extends: {BASE}\n")
    jobs = make_jobs([str(BASE), f"{tmp_path}/same.yaml"], range(3), {"dataset": "demo", "split": "small"})
    with pytest.raises(ConfigError, match="until: expected variants with names and settings of their own"):
        Until(parse_until("same beats base in f1"), jobs, 3)


def looked(text, qualities, most=5):
    """What looks at made-up runs of base and sgd find, one after another, until it ends."""
    jobs = make_jobs([str(BASE), str(SGD)], range(most), {"dataset": "demo", "split": "small"})
    run_ids = {}
    for job in jobs:
        scores = made_scores(qualities[job.variant], job.settings.seed + 50 * (job.variant == "sgd"))
        run_ids[job.number] = log_run(job.variant, job.settings.seed, predictions=scores)
        mlflow.MlflowClient().set_tag(run_ids[job.number], "config_hash", job.settings.config_hash())
    until = Until(parse_until(text), jobs, most)
    found = []
    for number, _ in enumerate(until.rounds()):
        found.append(until.look(number, run_ids))
        if found[-1].ended:
            return found
    raise AssertionError("the last look is the end")


def test_a_large_difference_is_told_at_an_early_look(store):
    *_, last = looked("base beats sgd in accuracy", {"base": 2.0, "sgd": 0.2})
    assert (last.told, last.baseline, len(last.runs) < 10) == (True, "sgd", True)
    assert last.text.startswith("base is better than sgd in accuracy: +0.")
    seeds = len(last.runs) // 2
    assert f"(look {seeds - 2} of 3, at {seeds} of at most 5 seeds; intervals at --confidence " in last.text


def test_a_claim_that_is_wrong_is_told_too(store):
    *_, last = looked("sgd beats base in accuracy", {"base": 2.0, "sgd": 0.2}, most=3)
    assert last.told
    assert last.text.startswith("sgd is worse than base, so it does not beat it in accuracy: -0.")


def test_no_difference_ends_without_an_answer(store):
    *_, last = looked("sgd differs from base in accuracy", {"base": 1.0, "sgd": 1.0})
    assert (last.ended, last.told) == (True, False)
    assert last.text.startswith("cannot tell sgd against base in accuracy: ")
    if len(last.runs) < 10:
        assert "; more seeds would not help: the chance that 5 decide it is below 2 % (look " in last.text


def test_an_interval_is_that_of_compare_at_the_look_s_level(store):
    *_, last = looked("base beats sgd in accuracy", {"base": 2.0, "sgd": 0.2}, most=3)
    assert last.level == pytest.approx(0.95)  # a single look
    rows = compare("accuracy", baseline="sgd").tables[0].rows
    (base,) = [row for row in rows if row["variant"] == "base"]
    ends = [base[key] for key in ("difference", "difference_low", "difference_high")]
    assert "{:+.4f} [{:+.4f}, {:+.4f}]".format(*ends) in last.text
    assert np.sign(ends[1]) == 1


LEARNS = ("dataset=demo", "split=small", "model.filters=[4]", "model.dense=[8]", "steps_per_epoch=4",
          "validation_steps=2", "epochs=2", "workers=2")  # fmt: skip


def test_a_killed_suite_resumes_stops_when_it_is_decided_and_says_so(store, tmp_path):
    words = (*LEARNS, f"variants={BASE}", "until=loss > 100", "max_seeds=5")
    killed = start(tmp_path, *words)
    process = psutil.Process(killed.pid)
    wait_for(lambda: [run for run in runs()[0] if run.info.status == "FINISHED"])
    left = workers(process)
    killed.kill()
    killed.wait()
    psutil.wait_procs(left, timeout=60)
    code, output, messages = end(start(tmp_path, *words))
    assert code == 0, messages
    assert output.startswith("plan: at most 5 runs, until 'loss > 100' is decided; workers: 2")
    (line,) = [line for line in messages.splitlines() if "look" in line]
    assert line.startswith("pass: 'loss > 100' of base at 0.")
    assert line.endswith(
        "(look 1 of 3, at 3 of at most 5 seeds; intervals at --confidence 0.992384 hold over all looks)"
    )
    children, suites = runs()
    assert sorted(run.data.params["seed"] for run in children) == ["0", "1", "2"]
    assert {run.data.tags["sequential"] for run in children} == {line}
    suite = next(run for run in suites if run.info.status == "FINISHED")
    assert suite.data.params["until"] == "loss > 100"
    note = f"[sequential] base: seeds were added while the results were looked at, until: {line}."
    assert note in suite.data.tags["mlflow.note.content"]
    assert "Intervals (99.2384 %) are over seeds" in suite.data.tags["mlflow.note.content"]
    assert note in compare().tables[0].notes
