"""Addresses of stores as people write them: used as MLflow reads them, or refused in one line."""

import socket
import time

import mlflow
import pytest

from cifake.comparison import compare
from cifake.config import load as load_settings
from cifake.core.addresses import sqlite_file, without_password
from cifake.core.errors import RunError, exit_code
from cifake.core.reasons import may_pass, of_store
from cifake.data import load
from cifake.tracking import ui
from cifake.tracking.epochs import EpochLog
from cifake.tracking.permissions import expect_writable
from cifake.tracking.queries import experiment_id
from cifake.tracking.resolved_model import find_model
from cifake.tracking.retry import client, first_requests
from cifake.tracking.run import tracked_run
from cifake.tracking.store import store_lock
from cifake.tracking.suite_run import suite_run
from tests.support.made_runs import log_run, made_scores
from tests.support.project import BASE
from tests.support.project import compare as compare_command
from tests.support.servers import answering


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("postgresql+psycopg2://me:secret@127.0.0.1/x", "the package psycopg2 is not installed here"),
        ("sqlite:/x.db", "cannot be used (Could not parse SQLAlchemy URL from given URL string)"),
        ("sqlite://x.db", "cannot be used (Invalid SQLite URL: sqlite://x.db)"),
        ("s3://me:secret@bucket/x", "cannot be used (Model registry functionality is unavailable; got"),
        ("http:///x", "cannot be used (Invalid URL"),
        ("databricks://nobody", "cannot be "),
        ("C:\\data\\mlruns", "cannot be used (The filesystem tracking backend"),
    ],
)
def test_an_address_that_no_store_has_is_one_line(tmp_path, monkeypatch, capsys, address, reason):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    for command in (
        compare_command,
        lambda: exit_code(ui.main),
        lambda: exit_code(lambda: find_model("base")),
    ):
        assert command() == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: the store {without_password(address)} ")
        assert reason in line
        assert "secret" not in line


def test_a_server_that_takes_the_request_and_says_nothing_is_named_within_seconds(monkeypatch):
    monkeypatch.setattr("cifake.core.addresses.ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        with pytest.raises(RunError, match=r"does not answer \(.*Read timed out"), first_requests():
            client.search_experiments()
        assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("status", "passes", "meaning"),
    [
        (401, False, "accepts no such user and password (HTTP status 401: no)"),
        (403, False, "does not let this user do that (HTTP status 403: no)"),
        (404, False, "is not an MLflow server (HTTP status 404: no)"),
        (429, True, "does not answer (too many 429 error responses)"),
        (500, True, "does not answer (too many 500 error responses)"),
        (503, True, "does not answer (too many 503 error responses)"),
    ],
)
def test_only_what_may_pass_is_waited_for(monkeypatch, status, passes, meaning):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with answering(status, b"no") as address:
        with pytest.raises(mlflow.exceptions.MlflowException) as raised:
            mlflow.MlflowClient(address).search_experiments()
        assert may_pass(raised.value) is passes
        assert of_store(raised.value).startswith(meaning)


def test_a_store_with_options_is_read_as_it_was_written(store, capsys):
    log_run("base", f1=0.9)
    address = f"{store}?timeout=30"
    assert compare(tracking_uri=address).frame["variant"].tolist() == ["base"]
    assert sqlite_file(address) == sqlite_file(store)
    mlflow.set_tracking_uri("sqlite:///there/x.db?timeout=30")
    with pytest.raises(RunError, match="there is no folder there; make it first"), store_lock():
        pass


def test_the_experiment_that_mlflow_would_use(store, monkeypatch):
    other = mlflow.create_experiment("other")
    log_run("base", f1=0.9)
    log_run("sgd", experiment="other", f1=0.8)
    for name in ("MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID"):
        monkeypatch.setenv(name, "")  # not set
    assert experiment_id() == "1"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", other)
    assert experiment_id() == other
    assert compare().frame["variant"].tolist() == ["sgd"]
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "cifake")
    with pytest.raises(RunError, match=f"_NAME=cifake and MLFLOW_EXPERIMENT_ID={other} name two experiments"):
        experiment_id()
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "77")
    assert compare_command() == 2
    with pytest.raises(RunError, match=r"what was asked for .*77"):
        experiment_id()


@pytest.mark.parametrize("root", ["s3://bucket/x", "/dev/null/mlruns", "/proc/none/mlruns"])
def test_artifacts_that_cannot_be_written_are_found_before_the_work(store, monkeypatch, root):
    mlflow.create_experiment("elsewhere", artifact_location=root)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "elsewhere")
    run_id = log_run("base", experiment="elsewhere")
    settings = load_settings(BASE, {"dataset": "demo", "split": "small"})
    for begins in (
        lambda: tracked_run("base", settings, load("demo", "small")),
        lambda: suite_run("suite of 1 run", "plan", {}),
    ):
        with pytest.raises(RunError, match=f"artifacts cannot be written to {root}"), begins():
            pytest.fail("the work has begun")
    for writes in (lambda: expect_writable(run_id), lambda: expect_writable(run_id, mlflow.MlflowClient())):
        with pytest.raises(RunError, match=f"artifacts cannot be written to {root}"):
            writes()
    assert compare_command("--log", "--experiment=elsewhere") == 2


def test_a_run_whose_artifacts_are_elsewhere_does_not_cost_the_table(store, capsys):
    mlflow.create_experiment("elsewhere", artifact_location="s3://bucket/x")
    log_run("sgd", experiment="elsewhere", f1=0.8)
    log_run("base", predictions=made_scores(1.0, 0))
    assert compare_command("--experiment=cifake", "--experiment=elsewhere", "--metric=accuracy") == 0
    output = capsys.readouterr().out
    assert "predictions.parquet cannot be read (No module named 'botocore')" in output


def test_a_run_that_is_deleted_while_it_trains_is_one_line(store):
    run_id = mlflow.MlflowClient().create_run("1").info.run_id
    log = EpochLog(run_id)
    mlflow.MlflowClient().delete_run(run_id)
    with pytest.raises(
        RunError, match=r"does not have what was asked for \(The run .* must be in the 'active'"
    ):
        log(0, {"train/loss": 0.5})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:se@cret@host/a@b and mail@host", "http://host/a@b and mail@host"),
        ("http://me:se/cr@et@host:1/x", "http://host:1/x"),
        ("at http://host, asked by me@host", "at http://host, asked by me@host"),
        ("mysql://host/x?user=me&password=secret&a=1", "mysql://host/x?user=me&password=***&a=1"),
        ("the token is a-long-token", "the token is ***"),
    ],
)
def test_passwords_are_hidden_wherever_they_stand(monkeypatch, text, shown):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "a-long-token")
    assert without_password(text) == shown
