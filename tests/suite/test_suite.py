"""Suites as users run them: planned, killed, resumed, started twice, stopped."""

import contextlib
import signal

import mlflow
import psutil
import pytest

from cifake.config import load as load_settings
from cifake.core.errors import ConfigError, Terminated, exit_code, raise_terminated
from cifake.data import load
from cifake.suite.jobs import Capacity, Event, Job, RunContext
from cifake.suite.options import parse
from cifake.suite.plan import describe, look_up, make_jobs
from cifake.suite.run_job import run_job
from cifake.suite.run_suite import Suite
from cifake.tracking.resolved_model import find_model
from tests.support.project import BASE, EXPERIMENTS, REPOSITORY, overrides
from tests.support.suites import OVERRIDES, end, epochs, runs, start, wait_for, workers


def test_a_failure_stops_no_other_and_what_is_finished_is_reused(store, tmp_path):
    (tmp_path / "broken.yaml").write_text(f"extends: {BASE}\noptimizer: sgd\nlearning_rate: 1e+30\n")
    words = (f"variants={tmp_path}/broken.yaml,{BASE}", "seeds=0,4", "epochs=2", "workers=1")
    code, output, messages = end(start(tmp_path, *words))
    assert code == 1, messages
    assert output.splitlines()[1:4] == [
        "  broken  train seeds 0, 4",
        "  base    train seeds 0, 4",
        "4 to train; no earlier runs to estimate the time from",
    ]
    lines = messages.splitlines()
    assert lines[-3] == "2 of 4 runs failed; the same command tries them again:"
    reason = "RunError: epoch 1: expected a finite training loss, received"
    assert lines[-2].startswith(f"  broken seed 0: {reason}")
    assert lines[-1].startswith(f"  broken seed 4: {reason}")
    assert "base seed 4: finished (4 of 4 done)" in lines
    children, (suite,) = runs()
    assert sorted((run.data.tags["variant"], run.info.status) for run in children) == [
        ("base", "FINISHED"), ("base", "FINISHED"), ("broken", "FAILED"), ("broken", "FAILED"),
    ]  # fmt: skip
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {suite.info.run_id}
    assert suite.info.status == "FAILED"
    assert suite.data.tags["failure"].startswith("broken seed 0: RunError")
    assert "broken  train seeds 0, 4" in mlflow.artifacts.load_text(f"{suite.info.artifact_uri}/plan.txt")

    code, output, messages = end(start(tmp_path, f"variants={BASE}", "seeds=0,4", "epochs=2"))
    assert code == 0, messages
    assert output.splitlines()[1:3] == [
        "  base  reuse seeds 0, 4",
        "2 to reuse; about 0.0 minutes of training",
    ]
    assert "\n1  base         2  " in output  # the ranked table
    assert output.splitlines()[-1].startswith(
        "all runs, after `make ui`: http://127.0.0.1:5000/#/experiments/1/"
    )
    children, (_, suite) = runs()
    assert len(children) == 4
    assert suite.data.metrics.keys() == {"mean/test/f1/base"}
    assert "| 1 | base | 2 |" in suite.data.tags["mlflow.note.content"]
    assert "training s" not in suite.data.tags["mlflow.note.content"]  # the page has all columns


def test_killed_workers_and_suites_lose_nothing_and_two_at_once_do_nothing_twice(store, tmp_path):
    words = (f"variants={BASE}", "seeds=2", "epochs=40", "workers=2")
    first = start(tmp_path, *words)
    process = psutil.Process(first.pid)
    states = tmp_path / "cache" / "checkpoints"
    wait_for(lambda: len(list(states.glob("*/*.npz"))) == 2)
    workers(process)[0].kill()
    lines = iter(first.stderr.readline, "")
    assert next(line for line in lines if "again" in line).endswith(
        "again: its worker died (exit code -9) (0 of 2 done)\n"
    )
    wait_for(lambda: workers(process))  # the other one may have done its run by now
    orphans = workers(process)
    first.kill()
    first.wait()
    assert psutil.wait_procs(orphans, timeout=60)[1] == []
    killed = {run.info.run_id for run in runs()[0]}
    assert len(killed) == 2

    both = [start(tmp_path, *words) for _ in range(2)]
    for code, _, messages in map(end, both):
        assert code == 0, messages
    after, suites = runs()
    assert {run.info.run_id for run in after} == killed
    assert [run.info.status for run in after] == ["FINISHED"] * 2
    assert [run.info.status for run in suites] == ["KILLED", "FINISHED", "FINISHED"]
    assert [[step for step, _ in epochs(run)] for run in after] == [list(range(40))] * 2

    code, _, messages = end(start(tmp_path, *words, "force=true"))
    assert code == 0, messages
    again = [run for run in runs()[0] if run.info.run_id not in killed]
    assert sorted(epochs(run) for run in again) == sorted(epochs(run) for run in after)
    scores = ("test/loss", "test/roc_auc", "best_epoch")
    assert sorted([run.data.metrics[key] for key in scores] for run in again) == sorted(
        [run.data.metrics[key] for key in scores] for run in after
    )


def test_a_suite_says_that_another_process_trains_its_run_and_takes_it_over(store, tmp_path):
    words = (f"variants={BASE}", "epochs=150", "workers=1")
    first = start(tmp_path, *words)
    wait_for(lambda: list((tmp_path / "cache" / "checkpoints").glob("*/*.npz")))
    second = start(tmp_path, *words)
    lines = iter(second.stderr.readline, "")
    expected = ["starting", "waiting: another process trains it"]
    assert [next(lines) for _ in expected] == [f"base seed 0: {each} (0 of 1 done)\n" for each in expected]
    first.terminate()
    assert end(first)[0] == 143
    assert next(lines) == "base seed 0: starting (0 of 1 done)\n"
    code, _, messages = end(second)
    assert code == 0, messages
    (run,), _ = runs()
    assert run.info.status == "FINISHED"
    assert [step for step, _ in epochs(run)] == list(range(150))


def test_ctrl_c_stops_cleanly(store, tmp_path):
    process = start(tmp_path, f"variants={BASE}", "seeds=2", "epochs=100000", "workers=1")
    wait_for(lambda: list((tmp_path / "cache" / "checkpoints").glob("*/*.npz")))
    process.send_signal(signal.SIGINT)
    code, _, messages = end(process)
    assert code == 130
    assert "stopped: 0 of 2 runs ended; the same command resumes" in messages
    assert "Traceback" not in messages
    (run,), (suite,) = runs()
    assert (run.info.status, suite.info.status) == ("KILLED", "KILLED")
    assert run.data.tags["failure"] == "Terminated: stopped by SIGTERM"


def test_a_stop_that_a_library_turns_into_an_error_is_a_stop(store):
    (job,) = make_jobs([BASE], [0], overrides(*OVERRIDES))

    @contextlib.contextmanager
    def library():
        try:
            yield
        finally:
            raise RuntimeError("scopes in the wrong order")  # as TensorFlow does

    def stop(event):
        with library():
            raise_terminated(signal.SIGTERM, None)

    with pytest.raises(Terminated):
        run_job(job, RunContext("", "cifake", 1, force=False), stop)
    ((run,), _) = runs()
    assert run.info.status == "KILLED"
    assert run.data.tags["failure"] == "Terminated: stopped by SIGTERM"

    @library()
    def interrupted():
        raise KeyboardInterrupt

    assert exit_code(lambda: stop(None)) == 143
    assert exit_code(interrupted) == 130


def test_a_finished_run_without_the_file_that_is_asked_for_gets_it_and_is_not_trained(store):
    settings = overrides(*OVERRIDES, "--epochs=1")
    run_context = RunContext("", "cifake", 1, force=False)
    (job,) = make_jobs([BASE], [0], settings)
    run_id = run_job(job, run_context, print).run_id
    done = [("export", "finished"), ("reuse", "reused"), ("export", "finished"), ("reuse", "reused")]
    for export, (state, kind) in zip(("h5", "h5", "keras", None), done, strict=True):
        capacity = Capacity(1, 1, "")
        (job,) = look_up(make_jobs([BASE], [0], {**settings, "export": export}), force=False)
        assert f"  base  {state} seed 0" in describe([job], capacity).splitlines()
        event = run_job(job, run_context, print)
        assert (event.kind, event.run_id) == (kind, run_id)
    files = sorted(file.path for file in mlflow.MlflowClient().list_artifacts(run_id, "export"))
    assert files == ["export/model.h5", "export/model.keras"]
    images = load("demo", "small").test.images[:8]
    path = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="export")
    logged = find_model(run_id).load().predict(images, verbose=0)
    for file in ("model.h5", "model.keras"):
        model = find_model(f"{path}/{file}").load()
        assert model.predict(images, verbose=0).tolist() == logged.tolist()
    ((run,), _) = runs()
    assert run.info.status == "FINISHED"


@pytest.mark.parametrize(
    ("words", "seeds", "variants"),
    [
        (["seeds=3"], [0, 1, 2], ["base", "epoch", "sgd", "sigmoid", "val"]),
        (["--seeds", "0,1,7", "--variants", "base,val"], [0, 1, 7], ["base", "val"]),
        (["seeds=[2, 1]", "variants=[val]"], [2, 1], ["val"]),
        (["seeds=7,", "variants=val"], [7], ["val"]),
    ],
)
def test_options(words, seeds, variants):
    options, overrides = parse([*words, "--split", "small", "force=true", "workers=2"])
    assert (options.seeds, options.variants) == (seeds, variants)
    assert (overrides, options.force, options.workers) == ({"split": "small"}, True, 2)


def test_all_variants_are_those_that_mlproject_names(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    variants = parse(["variants=all"])[0].variants
    assert len(variants) == len(list(EXPERIMENTS.glob("*.yaml"))) - 1
    assert "defaults" not in variants


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("seeds=0", "seeds: expected a number from 1, or seeds such as 0,1,7 or '7,', received '0'"),
        ("seeds=a,b", "seeds: expected a number from 1, or seeds such as 0,1,7 or '7,', received 'a,b'"),
        ("seed=1", "seed: expected seeds=0,1,7 or a number of them, received seed"),
        ("workers=0", "workers: expected auto or a number from 1, received '0'"),
        ("force=yess", "force: expected true or false, received 'yess'"),
        ("worker=2", "unknown option 'worker'; did you mean 'workers'"),
        ("--seedz=3", "unknown option 'seedz'; did you mean 'seeds'"),
    ],
)
def test_a_wrong_option_is_named(word, message):
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        parse([word])


def test_mistakes_in_variants_and_settings_come_before_anything_runs(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    with pytest.raises(ConfigError, match="variants: unknown variant 'bse'; did you mean 'base'"):
        make_jobs(["bse"], [0], {})
    with pytest.raises(ConfigError, match="unknown setting 'epoch'; did you mean 'epochs'"):
        make_jobs(["base"], [0], parse(["epoch=3"])[1])
    with pytest.raises(ConfigError, match=r"expected imagenet, none or a file, received 'nowhere\.h5'"):
        make_jobs(["strong"], [0], parse(["model.weights=nowhere.h5"])[1])


def test_a_plan_says_what_is_stopped_and_how_long_it_takes(store):
    settings = {"dataset": "demo", "split": "small", "epochs": 2}
    jobs = make_jobs([BASE], [0, 1, 2], settings)
    for job, status, seconds in ((jobs[0], "KILLED", 0.0), (jobs[1], "FINISHED", 240.0)):
        tags = {"run_key": job.key, "config_hash": job.settings.config_hash()}
        with mlflow.start_run(tags=tags):
            mlflow.log_metric("cost/train_seconds", seconds)
            mlflow.end_run(status)
    assert describe(
        look_up(jobs, force=False), Capacity(2, 1, "workers: 2, threads of each: 1")
    ).splitlines() == [
        "plan: 3 runs; workers: 2, threads of each: 1",
        "  base  reuse seed 1; resume seed 0; train seed 2",
        "1 to reuse, 1 to resume, 1 to train; about 4.0 minutes of training",
    ]
    assert [job.state for job in look_up(jobs, force=True)] == ["train"] * 3


@pytest.mark.parametrize(("details", "code"), [("", 1), ("Traceback ...", 70)])
def test_a_defect_in_a_run_has_another_exit_code_than_a_failure(capsys, details, code):
    suite = Suite.__new__(Suite)
    suite.jobs = [Job(0, "base", load_settings(BASE), "key")]
    suite.ended = [Event(0, "failed", text="because", details=details)]
    assert suite.report_failures() == code
    assert capsys.readouterr().err.splitlines()[-1] == "  base seed 0: because"
