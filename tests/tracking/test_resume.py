"""A training that is killed resumes in its run, and ends as if nothing had happened."""

import os
import signal
import socket
import subprocess
import sys

import mlflow
import pandas as pd
import pytest

from cifake.config import load as load_settings
from cifake.tracking.identity import run_key
from cifake.tracking.process_identity import HOST, PROCESS, STARTED, is_dead, process_identity
from cifake.tracking.queries import unfinished_run
from cifake.tracking.resume import end_abandoned_runs, end_lost_runs
from cifake.tracking.suite_run import open_store, suite_run
from tests.support.project import EXPERIMENTS, REPOSITORY

# Dropout and augmentation draw random numbers; at this rate the best epoch is not the last.
WORDS = ("dataset=demo", "split=small", "model.filters=[4]", "model.dense=[8]", "steps_per_epoch=4",
         "epochs=12", "seed=3", "learning_rate=0.02", "augmentation.rotation=20.0")  # fmt: skip


def start(folder, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "cifake.train", str(EXPERIMENTS / "base.yaml"), *WORDS],
        cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
    )  # fmt: skip


def end(process):
    _, messages = process.communicate(timeout=240)
    return process.returncode, messages


def runs():
    return mlflow.search_runs(experiment_names=["cifake"], output_format="list", order_by=["start_time"])


def result(run):
    """Scores, and every value of every epoch, without times."""
    client = mlflow.MlflowClient()
    curves = {
        key: [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, key)]
        for key in run.data.metrics
        if not key.startswith("cost/") or key == "cost/parameters"
    }
    file = mlflow.artifacts.download_artifacts(f"{run.info.artifact_uri}/predictions.parquet")
    return curves, pd.read_parquet(file)


def test_a_killed_training_resumes_in_its_run_and_ends_with_the_same_scores(store, tmp_path):
    assert end(start(tmp_path))[0] == 0
    (whole,) = runs()

    killed = start(tmp_path)
    while not killed.stderr.readline().startswith("epoch 5 "):
        assert killed.poll() is None
    killed.send_signal(signal.SIGSTOP)
    code, complaint = end(start(tmp_path))
    assert code == 2
    assert complaint.splitlines()[-1].startswith("error: this training runs already, in another process (")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    stopped = runs()[1]
    assert stopped.info.status == "RUNNING"
    assert stopped.data.tags["owner_pid"] == str(killed.pid)

    # As `mlflow run` starts it: with a run of its own, which cannot be the one that is resumed.
    launched = mlflow.MlflowClient().create_run(stopped.info.experiment_id).info.run_id
    code, messages = end(start(tmp_path, MLFLOW_RUN_ID=launched))
    assert code == 0, messages
    assert "resuming after epoch" in messages
    note = mlflow.get_run(launched).data.tags["mlflow.note.content"]
    assert note == f"It resumed run {stopped.info.run_id}."
    after = mlflow.get_run(stopped.info.run_id)
    assert after.info.status == "FINISHED"
    assert not list((tmp_path / "cache").glob("checkpoints/*/"))

    expected, received = result(whole), result(after)
    assert [step for step, _ in received[0]["train/loss"]] == list(range(12))
    assert received[0] == expected[0]
    pd.testing.assert_frame_equal(received[1], expected[1], check_exact=True)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / "cache"))


def test_owners():
    tags = process_identity()
    assert not is_dead(tags)
    assert is_dead({**tags, STARTED: str(float(tags[STARTED]) - 60)})  # the id was given to another process
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert is_dead({**tags, PROCESS: str(ended.pid)})
    assert not is_dead({**tags, PROCESS: str(ended.pid), HOST: "elsewhere"})  # nobody here can know
    assert not is_dead({})


def test_runs_of_killed_processes_are_marked(store):
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("cifake").experiment_id
    ended = {**process_identity(), STARTED: "0"}
    owners = {
        "mine": process_identity(),
        "dead": ended,
        "elsewhere": {**ended, HOST: "elsewhere"},
        "unknown": {},
    }
    ids = {name: client.create_run(experiment, tags=tags).info.run_id for name, tags in owners.items()}
    end_abandoned_runs()
    status = {name: client.get_run(run_id).info.status for name, run_id in ids.items()}
    assert status == {"mine": "RUNNING", "dead": "KILLED", "elsewhere": "RUNNING", "unknown": "RUNNING"}
    assert client.get_run(ids["dead"]).data.tags["failure"] == (
        f"its process {os.getpid()} on {socket.gethostname()} was killed; the same command resumes"
    )


def test_what_decides_scores_names_a_run():
    base = load_settings(EXPERIMENTS / "base.yaml")
    same = load_settings(EXPERIMENTS / "base.yaml", {"export": "h5"})
    others = [load_settings(EXPERIMENTS / "base.yaml", change) for change in ({"seed": 1}, {"epochs": 3})]
    assert run_key(base, "a") == run_key(same, "a")
    assert len({run_key(base, "a"), run_key(base, "b"), *(run_key(other, "a") for other in others)}) == 4


def test_runs_of_a_suite_that_was_killed_are_ended_on_other_machines_too(store):
    gone = {"owner_host": socket.gethostname(), "owner_pid": "1", "owner_started": "1.0"}
    elsewhere = {"owner_host": "another", "owner_pid": "1", "owner_started": "1.0"}
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("cifake").experiment_id

    def left(tags):
        return client.create_run(experiment, tags=tags).info.run_id

    suite = left({"tool": "suite", **gone})
    child = left({**elsewhere, "mlflow.parentRunId": suite, "run_key": "k"})
    alone = left({**elsewhere, "run_key": "k"})
    assert unfinished_run("k") is None
    open_store()
    status = {run_id: client.get_run(run_id).info.status for run_id in (suite, child, alone)}
    assert status == {suite: "KILLED", child: "KILLED", alone: "RUNNING"}
    assert unfinished_run("k") == child


def test_a_retry_takes_up_the_run_that_its_node_left_behind(store):
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("cifake").experiment_id
    tags = {"owner_host": "another", "owner_pid": "1", "owner_started": "1.0", "mlflow.parentRunId": "s"}
    lost, other = (client.create_run(experiment, tags={**tags, "run_key": key}).info.run_id for key in "ab")
    end_lost_runs("s", "its worker was lost", "a")
    assert (unfinished_run("a"), unfinished_run("b")) == (lost, None)
    assert client.get_run(lost).data.tags["failure"] == "its worker was lost"
    assert client.get_run(other).info.status == "RUNNING"


def test_a_suite_that_is_stopped_ends_the_runs_that_its_workers_could_not_end(store):
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("cifake").experiment_id
    gone = {"owner_host": socket.gethostname(), "owner_pid": "1", "owner_started": "1.0"}
    made = []

    def stopped():
        with suite_run("suite of 2 runs", "the plan", {}) as (suite, _):
            tags = {**gone, "mlflow.parentRunId": suite}
            left = [client.create_run(experiment, tags={**tags, **own}) for own in ({}, process_identity())]
            made.extend([suite, *(run.info.run_id for run in left)])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert [client.get_run(run_id).info.status for run_id in made] == ["KILLED", "KILLED", "RUNNING"]
    assert client.get_run(made[1]).data.tags["failure"] == "its suite was stopped; the same command resumes"
