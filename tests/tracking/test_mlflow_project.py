"""The run that ``mlflow run`` created for a command."""

import mlflow
import pytest
from mlflow.utils.name_utils import _generate_random_name

from cifake.core.errors import RunError, Terminated
from cifake.tracking.mlflow_project import mlflow_project_run, name_project_run
from cifake.tracking.run_status import is_generated
from cifake.tracking.suite_run import suite_run
from tests.support.project import REPOSITORY, launch


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
    assert mlflow.get_run(launched).info.run_name == "base-seed-1"
    with suite_run("suite of 2 runs", "the plan", {}) as (run_id, _):
        assert run_id == launched
    assert mlflow.get_run(launched).info.run_name == "base-seed-1"


def test_a_relative_store_is_refused_where_mlflow_run_works_in_another_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///of-my-folder.db?timeout=30")
    done = launch("-e", "compare", cwd=tmp_path)
    assert "error: the store sqlite:///of-my-folder.db?timeout=30 is not in " in done.stderr
    assert "set MLFLOW_TRACKING_URI to an absolute address" in done.stderr
    assert not (REPOSITORY / "of-my-folder.db").exists()
