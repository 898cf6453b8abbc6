"""A search as users run it: its runs in MLflow, killed and taken up again, over several processes."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
import yaml

from tests.support.project import EXPERIMENTS, REPOSITORY

WORDS = ("dataset=demo", "split=small", "model.filters=[2]", "steps_per_epoch=2", "validation_steps=1",
         "epochs=1", "optimizer=sgd")  # fmt: skip


@pytest.fixture
def variant(tmp_path):
    """Four trials of a second each; those with the second rate fail."""
    path = tmp_path / "searching.yaml"
    tuner = {"kind": "RandomSearch", "objective": "val/accuracy", "epochs": 10, "max_trials": 4}
    space = {
        "model.dense": {"type": "int", "min": 2, "max": 9, "layers": [1, 1]},
        "learning_rate": {"type": "choice", "values": [0.01, 1e30]},
    }
    values = {"extends": str(EXPERIMENTS / "base.yaml"), "tuner": tuner, "search": space}
    path.write_text(yaml.safe_dump(values))
    return path


def start(variant, *words, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "cifake.train", str(variant), *WORDS, *words],
        cwd=variant.parent, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
    )  # fmt: skip


def runs():
    found = mlflow.search_runs(search_all_experiments=True, output_format="list", order_by=["start_time"])
    parents = [run for run in found if "variant" in run.data.tags]
    return parents, [run for run in found if "trial" in run.data.tags]


def test_a_killed_search_goes_on_where_it_stopped(store, variant):
    first = start(variant)
    while not first.stderr.readline().startswith("trial 2"):
        assert first.poll() is None
    while not first.stderr.readline().startswith("epoch 1 "):  # of the third trial
        assert first.poll() is None
    first.send_signal(signal.SIGSTOP)
    second = start(variant)
    _, complaint = second.communicate(timeout=120)
    assert second.returncode == 2
    assert complaint.splitlines()[-1].startswith("error: this search runs already, in another process")
    first.send_signal(signal.SIGKILL)
    first.wait()
    (parent,), killed = runs()
    assert parent.info.status == "RUNNING"
    ended = {run.info.run_id for run in killed if run.info.status in ("FINISHED", "FAILED")}

    # As `mlflow run` starts it: with a run of its own, which cannot be this search's.
    launched = mlflow.MlflowClient().create_run(parent.info.experiment_id).info.run_id
    last = start(variant, MLFLOW_RUN_ID=launched)
    _, messages = last.communicate(timeout=240)
    assert last.returncode == 0, messages
    (after,), trials = runs()
    assert after.info.run_id == parent.info.run_id
    assert after.info.status == "FINISHED"
    note = mlflow.get_run(launched).data.tags["mlflow.note.content"]
    assert note == f"It resumed run {parent.info.run_id}."
    done = [run for run in trials if run.info.status != "KILLED"]
    assert sorted(run.data.tags["trial"] for run in done) == ["1", "2", "3", "4"]
    assert ended <= {run.info.run_id for run in done}
    for run in trials:
        if run.info.status == "KILLED":
            assert run.data.tags["failure"] == "its process was killed; the trial was run again"
    check_trials(after, done)


def check_trials(parent, trials):
    """What every trial and their parent hold in MLflow."""
    failed = [run for run in trials if run.info.status == "FAILED"]
    assert parent.data.metrics["search/trials"] == 4
    assert parent.data.metrics["search/failed_trials"] == len(failed)
    for run in failed:
        assert run.data.params["learning_rate"] == "1e+30"
        assert run.data.tags["failure"].startswith("RunError: epoch 1: expected a finite training loss")
    scores = {}
    for run in trials:
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert run.data.tags["dataset"] == "demo"
        assert not [key for key in run.data.metrics if key.startswith("test/")]
        assert run.data.params["model.dense"] == f"[{run.data.params['model.dense.0']}]"
        if run not in failed:
            history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "val/accuracy")
            assert [metric.step for metric in history] == list(range(10))
            assert run.data.metrics["trial/score"] == max(metric.value for metric in history)
            scores[int(run.data.tags["trial"])] = run
    best = scores[int(parent.data.metrics["search/best_trial"])]
    assert parent.data.metrics["search/best_score"] == pytest.approx(best.data.metrics["trial/score"])
    assert parent.data.params["model.dense"] == best.data.params["model.dense"]
    assert parent.data.metrics["test/accuracy"] > 0
    folder = Path(mlflow.artifacts.download_artifacts(run_id=parent.info.run_id))
    assert (folder / "figures" / "search.png").exists()
    written = yaml.safe_load((folder / "best.yaml").read_text())
    assert str(written["model"]["dense"]) == best.data.params["model.dense"]
    assert (written["search"], written["tuner"], written["epochs"]) == (None, None, 1)
    assert yaml.safe_load((folder / "config.yaml").read_text())["tuner"]["max_trials"] == 4


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def test_a_chief_and_two_workers_share_a_search(store, variant):
    cluster = {"KERASTUNER_ORACLE_IP": "127.0.0.1", "KERASTUNER_ORACLE_PORT": free_port()}
    names = ("chief", "worker-1", "worker-2")
    processes = [start(variant, KERASTUNER_TUNER_ID=name, **cluster) for name in names]
    messages = dict(zip(names, (process.communicate(timeout=300)[1] for process in processes), strict=True))
    assert [process.returncode for process in processes] == [0, 0, 0], messages
    (parent,), trials = runs()
    assert parent.info.status == "FINISHED"
    assert sorted(run.data.tags["trial"] for run in trials) == ["1", "2", "3", "4"]
    check_trials(parent, trials)
    for name in names[1:]:
        assert "a worker: asking the chief for trials" in messages[name]
    ran = {name: messages[name].count("trial ") for name in names}
    assert ran["worker-1"] + ran["worker-2"] >= 4


def test_half_a_cluster_is_refused(store, variant):
    process = start(variant, KERASTUNER_TUNER_ID="chief")
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 2
    assert complaint == (
        "error: KERASTUNER_TUNER_ID is set: expected KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT, too; "
        "see docs/searching.md\n"
    )
    assert runs() == ([], [])
