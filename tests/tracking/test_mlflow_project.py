"""The run that ``mlflow run`` created for a command."""

import mlflow
import psutil
import pytest
from mlflow.utils.name_utils import _generate_random_name

from cifake.config import load as load_settings
from cifake.core.errors import RunError, Terminated
from cifake.data import Dataset
from cifake.tracking.mlflow_project import mlflow_project_run, name_project_run, project_run_id
from cifake.tracking.process_identity import STARTED, process_identity
from cifake.tracking.run import tracked_run
from cifake.tracking.run_status import is_generated
from cifake.tracking.suite_run import suite_run
from tests.support.made_parts import numbered
from tests.support.made_runs import log_run
from tests.support.project import EXPERIMENTS, REPOSITORY, launch


def test_names_that_mlflow_makes_up_are_recognised():
    names = {_generate_random_name() for _ in range(500)}
    assert [name for name in names if not is_generated(name)] == []


@pytest.mark.parametrize("name", ["base-seed-1", "red-panda-is-not", "bold-panda", "bold-panda-x", "my run"])
def test_names_that_users_give_are_not_taken_for_made_up_ones(name):
    assert not is_generated(name)


@pytest.fixture
def launched(store, monkeypatch):
    """The id of a run as ``mlflow run`` leaves it to the command."""
    run = mlflow.MlflowClient().create_run(mlflow.get_experiment_by_name("cifake").experiment_id)
    monkeypatch.setenv("MLFLOW_RUN_ID", run.info.run_id)
    return run.info.run_id


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (RunError("no such run"), "FAILED", "RunError: no such run"),
        (OSError(28, "No space left on device"), "FAILED", "OSError: [Errno 28] No space left on device"),
        (ZeroDivisionError("a defect"), "FAILED", "ZeroDivisionError: a defect"),
        (KeyboardInterrupt(), "KILLED", "KeyboardInterrupt"),
        (Terminated("stopped by SIGTERM"), "KILLED", "Terminated: stopped by SIGTERM"),
    ],
)
def test_a_tool_that_fails_leaves_the_reason_and_its_name_on_its_run(launched, error, status, reason):
    with pytest.raises(type(error)), mlflow_project_run("audit"):
        raise error
    run = mlflow.get_run(launched)
    assert (run.info.status, run.data.tags["failure"]) == (status, reason)
    assert (run.info.run_name, run.data.tags["tool"]) == ("audit", "audit")


def test_the_help_is_no_failure(launched):
    with pytest.raises(SystemExit), mlflow_project_run("audit"):
        raise SystemExit(0)
    assert mlflow.get_run(launched).info.status == "RUNNING"


def test_a_name_that_the_user_gave_stays(launched):
    mlflow.MlflowClient().set_tag(launched, "mlflow.runName", "base-seed-1")
    with mlflow_project_run("audit"):
        name_project_run("audit of demo")
        assert project_run_id() == launched
    assert mlflow.get_run(launched).info.run_name == "base-seed-1"


def test_a_suite_uses_the_run_of_its_project(launched):
    mlflow.MlflowClient().set_tag(launched, "mlflow.runName", "base-seed-1")
    with suite_run("suite of 2 runs", "the plan", {}) as (run_id, _):
        assert run_id == launched
    assert mlflow.get_run(launched).info.run_name == "base-seed-1"


@pytest.fixture
def data(monkeypatch, tmp_path):
    """A data set that is not read."""
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path))
    return Dataset("demo", "small", "digest", numbered(2), numbered(2), numbered(2))


def track(variant, data, **overrides):
    """What a training does with its run: the run's id."""
    settings = load_settings(
        EXPERIMENTS / f"{variant}.yaml", {"dataset": "demo", "split": "small", **overrides}
    )
    with tracked_run(variant, settings, data) as run_id:
        mlflow.MlflowClient().log_metric(run_id, "test/f1", 0.9)
    return run_id


def test_two_trainings_of_one_project_have_a_run_each(launched, data, monkeypatch, caplog):
    assert track("base", data) == launched
    second = track("sgd", data)
    assert second != launched
    assert f"run {launched} is FINISHED; this command leaves it as it is" in caplog.text
    client = mlflow.MlflowClient()
    first, second = client.get_run(launched).data, client.get_run(second).data
    assert (first.tags["variant"], first.params["variant"], first.params["optimizer"]) == (
        "base",
        "base",
        "adam",
    )
    assert (second.tags["variant"], second.params["variant"], second.params["optimizer"]) == (
        "sgd",
        "sgd",
        "sgd",
    )


def test_a_name_that_the_user_gave_is_marked_on_the_demo_set(launched, data):
    mlflow.MlflowClient().set_tag(launched, "mlflow.runName", "mine")
    track("base", data)
    assert mlflow.get_run(launched).info.run_name == "demo: mine"


def finished(client):
    return log_run("base", f1=0.9)


def deleted(client):
    run_id = client.create_run("1").info.run_id
    client.delete_run(run_id)
    return run_id


def of_another_process(client):
    owner = process_identity() | {"owner_pid": "1", STARTED: f"{psutil.Process(1).create_time():.2f}"}
    return client.create_run("1", tags=owner).info.run_id


def of_another_tool(client):
    return client.create_run("1", tags={"tool": "predict"}).info.run_id


def with_metrics(client):
    run_id = client.create_run("1", tags={"mlflow.source.type": "PROJECT"}).info.run_id
    client.log_metric(run_id, "auc", 0.7)
    return run_id


def with_params(client):
    run_id = client.create_run("1").info.run_id
    client.log_param(run_id, "alpha", 0.1)
    return run_id


@pytest.mark.parametrize(
    ("make", "obstacle"),
    [
        (finished, "is FINISHED"),
        (deleted, "is deleted"),
        (of_another_process, "belongs to another process"),
        (of_another_tool, "holds other results"),
        (with_metrics, "holds other results"),
        (with_params, "holds other results"),
        (lambda _: "0" * 32, "is not in sqlite:///"),
        (lambda _: "rubbish", "is not in sqlite:///"),
    ],
)
def test_a_run_that_is_not_this_commands_is_left_as_it_is(store, monkeypatch, data, caplog, make, obstacle):
    client = mlflow.MlflowClient()
    run_id = make(client)
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    runs = {run.info.run_id: run.to_dictionary() for run in client.search_runs(["1"], run_view_type=3)}
    with mlflow_project_run("audit"):
        name_project_run("audit of demo")
    (message,) = caplog.messages
    assert message.startswith(f"MLFLOW_RUN_ID: run {run_id} {obstacle}")
    assert track("base", data) != run_id
    now = {run.info.run_id: run.to_dictionary() for run in client.search_runs(["1"], run_view_type=3)}
    assert {key: now[key] for key in runs} == runs


def test_a_command_takes_its_projects_run_with_params_and_after_a_kill(store, monkeypatch, data):
    client = mlflow.MlflowClient()
    killed = process_identity() | {STARTED: "0"}  # before it had data
    run_id = client.create_run("1", tags={"mlflow.source.type": "PROJECT", **killed}).info.run_id
    client.log_param(run_id, "learning_rate", "1e-3")
    client.log_param(run_id, "n", "3")
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    assert track("base", data) == run_id


def test_params_that_the_training_did_not_take_are_not_its_own(store, monkeypatch, data, caplog):
    client = mlflow.MlflowClient()
    run_id = client.create_run("1", tags={"mlflow.source.type": "PROJECT"}).info.run_id
    client.log_param(run_id, "seed", "5")
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    own = track("base", data)
    assert own != run_id
    assert client.get_run(own).data.params["seed"] == "0"
    assert f"run {run_id} has seed=5, expected 0; a new run is made" in caplog.text


def test_a_tool_ends_its_run(launched):
    with mlflow_project_run("audit"):
        pass
    assert mlflow.get_run(launched).info.status == "FINISHED"


def test_a_relative_store_is_refused_where_mlflow_run_works_in_another_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///of-my-folder.db?timeout=30")
    done = launch("-e", "compare", cwd=tmp_path)
    assert "error: the store sqlite:///of-my-folder.db?timeout=30 is not in " in done.stderr
    assert "set MLFLOW_TRACKING_URI to an absolute address" in done.stderr
    assert not (REPOSITORY / "of-my-folder.db").exists()
