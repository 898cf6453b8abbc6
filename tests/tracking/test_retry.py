"""A tracking server that is unreachable for a while: nothing is lost, nothing is logged twice."""

import contextlib
import json
import os
import re
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import mlflow
import pytest

from cifake.config import load as load_settings
from cifake.core.errors import RunError
from cifake.data import load
from cifake.tracking import epochs, retry, store
from cifake.tracking.epochs import EpochLog
from cifake.tracking.queries import finished_run, unfinished_run
from cifake.tracking.robustness_results import completed_perturbations, folder_of_test, was_tested
from cifake.tracking.run import tracked_run
from cifake.tracking.run_status import end_run
from cifake.tracking.run_values import log_new_params, log_values
from tests.support.project import EXPERIMENTS
from tests.support.servers import serve

TINY = {"dataset": "demo", "split": "small", "model.filters": [4], "model.dense": [8], "steps_per_epoch": 2,
        "validation_steps": 2, "epochs": 6}  # fmt: skip


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / "cache"))


def points(run_id, key):
    history = mlflow.MlflowClient().get_metric_history(run_id, key)
    return [(point.step, point.value, point.timestamp) for point in history]


def test_a_server_that_stops_in_the_middle_of_a_training(tmp_path, empty_store, free_port, monkeypatch):
    from cifake.train.pipeline import train

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(retry, "PAUSE", 0.2)
    served = shutil.copy(empty_store, tmp_path / "served.db")
    settings = load_settings(EXPERIMENTS / "base.yaml", TINY)
    ended = []

    def on_epoch_end(epoch, metrics):
        ended.append(time.time() * 1000)
        if epoch == 1:
            first.close()

    with contextlib.ExitStack() as first, contextlib.ExitStack() as second:
        uri = first.enter_context(serve(tmp_path, free_port, served))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        data = load("demo", "small")
        monkeypatch.setattr(retry, "PATIENCE", 1.2)
        with pytest.raises(RunError) as raised:
            train("base", settings, data, watch=lambda *_: contextlib.nullcontext(on_epoch_end))
        assert re.fullmatch(
            rf"the store {uri} does not answer \(.*Connection refused\) for 0.02 minutes; what was "
            r"trained is kept: start the store, then give the same command again",
            str(raised.value),
        )
        (file,) = (tmp_path / "cache" / "undelivered").iterdir()
        assert [step for step, *_ in json.loads(file.read_text())] == [2, 3, 4, 5]
        assert len(ended) == 6

        second.enter_context(serve(tmp_path, free_port, served))
        assert mlflow.get_run(file.stem).info.status == "RUNNING"
        run_id = train("base", settings, data)
        assert run_id == file.stem  # resumed
        assert mlflow.get_run(run_id).info.status == "FINISHED"
        for key in ("train/loss", "val/accuracy"):
            assert [step for step, *_ in points(run_id, key)] == list(range(6))
        for (_, _, at), end in zip(points(run_id, "train/loss"), ended, strict=True):
            assert abs(at - end) < 3000  # the time when the epoch ended, not when it was delivered
        assert {file.path for file in mlflow.MlflowClient().list_artifacts(run_id)} >= {"predictions.parquet"}
        assert mlflow.pyfunc.load_model(f"runs:/{run_id}/model")
    assert not list((tmp_path / "cache" / "undelivered").iterdir())


class Unavailable(BaseHTTPRequestHandler):
    """What a server says whose database is away."""

    def do_POST(self):
        self.send_error(503)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def away(how):
    """The store is a server that is away; the old store once more at the end."""
    uri = mlflow.get_tracking_uri()
    with ThreadingHTTPServer(("127.0.0.1", 0), Unavailable, bind_and_activate=how != "refuses") as server:
        if how == "refuses":
            server.server_bind()  # and does not listen
        elif how == "answers 503":
            threading.Thread(target=server.serve_forever, daemon=True).start()
        mlflow.set_tracking_uri(f"http://127.0.0.1:{server.server_port}")
        yield
        mlflow.set_tracking_uri(uri)
        if how == "answers 503":
            server.shutdown()


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("refuses", "[Errno 111] Connection refused"),
        ("answers 503", "too many 503 error responses"),
        ("says nothing", "Read timed out. (read timeout=1)"),
    ],
)
def test_epochs_wait_and_go_with_the_next_one_that_is_taken(store, how, reason, caplog, monkeypatch):
    monkeypatch.setattr(epochs, "LONGEST_REQUEST", 1)
    run_id = (
        mlflow.MlflowClient().create_run(mlflow.get_experiment_by_name("cifake").experiment_id).info.run_id
    )
    log = EpochLog(run_id)
    log(0, {"train/loss": 0.5})
    with away(how):
        start = time.monotonic()
        log(1, {"train/loss": 0.4})
        assert start < log.next_attempt < time.monotonic() + 10 * (time.monotonic() - start)
        log(2, {"train/loss": float("nan")})
        assert time.monotonic() - start < 30
    (said,) = [record.message for record in caplog.records if record.name == retry.__name__]
    assert said.startswith("the store http://127.0.0.1:")
    assert reason in said
    assert said.endswith(f"; metrics wait in {log.file} and training continues")
    log.next_attempt = 0.0
    log(3, {"train/loss": 0.2})
    assert [(step, value) for step, value, _ in points(run_id, "train/loss")] == [
        (0, 0.5), (1, 0.4), (2, pytest.approx(float("nan"), nan_ok=True)), (3, 0.2),
    ]  # fmt: skip
    assert not log.file.exists()


def test_what_was_taken_without_an_answer_is_not_logged_twice(store):
    run_id = (
        mlflow.MlflowClient().create_run(mlflow.get_experiment_by_name("cifake").experiment_id).info.run_id
    )
    log = EpochLog(run_id)
    with away("refuses"):
        log(0, {"train/loss": 0.5, "val/loss": 0.6})
    lost_answer = list(log.waiting)
    again = EpochLog(run_id)  # of a process that resumes after a kill
    again(0, {"train/loss": 0.5, "val/loss": 0.6})  # an epoch that was not in the checkpoint
    again(1, {"train/loss": 0.4, "val/loss": 0.5})
    log.deliver()
    log.waiting = lost_answer
    log.deliver()
    assert [step for step, *_ in points(run_id, "val/loss")] == [0, 1]


def test_a_mistake_is_not_waited_for(store):
    with pytest.raises(RunError, match="No Experiment with id=77"):
        retry.retry_while_unavailable(mlflow.MlflowClient().get_experiment)("77")


def test_a_password_is_not_shown():
    mlflow.set_tracking_uri("http://me:secret@127.0.0.1:1/a@b")
    assert store.store_address() == "http://127.0.0.1:1/a@b"
    mlflow.set_tracking_uri("http://me:se@cret@127.0.0.1:1/a@b")
    assert store.store_address() == "http://127.0.0.1:1/a@b"
    mlflow.set_tracking_uri(None)


def test_requests_are_quick_only_for_a_while(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    with store.quick_requests(20):
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "20"
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "1"
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "77"
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ


def test_a_run_whose_making_was_not_answered_is_found_again(store):
    settings = load_settings(EXPERIMENTS / "base.yaml", TINY)
    data = load("demo", "small")
    with contextlib.suppress(ZeroDivisionError), tracked_run("base", settings, data, parent="suite") as lost:
        mlflow.MlflowClient().update_run(lost, status="RUNNING")
        raise ZeroDivisionError
    mlflow.MlflowClient().update_run(lost, status="RUNNING")
    with tracked_run("base", settings, data, parent="suite") as run_id:
        assert run_id == lost


@pytest.mark.parametrize(
    "call",
    [
        lambda run_id: finished_run("key"),
        lambda run_id: unfinished_run("key"),
        lambda run_id: completed_perturbations(run_id, "robustness/1-images"),
        lambda run_id: folder_of_test(run_id, "robustness/1-images", [], force=False),
        lambda run_id: was_tested(run_id, str, []),
        lambda run_id: log_values(run_id, {"test/f1": 1.0}),
        lambda run_id: log_new_params(run_id, {"seed": 0}),
        end_run,
    ],
    ids=[
        "finished_run", "unfinished_run", "completed_perturbations", "folder_of_test", "was_tested",
        "log_values", "log_new_params", "end_run",
    ],
)  # fmt: skip
def test_every_call_waits_for_the_store(store, call, monkeypatch):
    monkeypatch.setattr(retry, "PATIENCE", 0.3)
    monkeypatch.setattr(retry, "PAUSE", 0.2)
    run = mlflow.MlflowClient().create_run(mlflow.get_experiment_by_name("cifake").experiment_id)
    with away("refuses"):
        start = time.monotonic()
        with pytest.raises(RunError, match=r"the store .* does not answer \(.*\) for 0\.005 minutes"):
            call(run.info.run_id)
        assert time.monotonic() - start > 0.3


def test_the_first_requests_do_not_wait(store):
    with (
        away("refuses"),
        pytest.raises(RunError, match=r"the store http://.* does not answer \(.*Connection refused\)"),
        retry.first_requests(),
    ):
        finished_run("key")
