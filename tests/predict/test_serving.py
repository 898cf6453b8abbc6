"""`mlflow run . -e promote`, then `mlflow models serve`, asked as README says."""

import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import psutil
import pytest
import requests

from cifake.data import load
from tests.support.project import launch
from tests.support.servers import free_tcp_port


@pytest.fixture(scope="module")
def server(finished, tmp_path_factory):
    """The address of a server of the finished run's model; stopped with all its processes."""
    run, folder, _ = finished
    uri = f"sqlite:///{folder}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        promoted = launch("-e", "promote", "-P", "metric=f1", cwd=folder)
    assert f"promoted: cifake version 1 is run {run.info.run_id}" in promoted.stderr
    address = f"http://127.0.0.1:{(port := free_tcp_port())}"
    log = tmp_path_factory.mktemp("served") / "log"
    with log.open("w") as messages:
        process = psutil.Popen(
            [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/cifake@champion",
             "--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)],
            env={**os.environ, "MLFLOW_TRACKING_URI": uri, "PATH": _path()},
            stdout=messages, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            _wait(process, address, log)
            yield address
        finally:
            everything = [process, *process.children(recursive=True)]
            for each in everything:
                each.terminate()
            for each in psutil.wait_procs(everything, timeout=10)[1]:
                each.kill()


def _path():
    return f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"


def _wait(process, address, log):
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            return requests.get(f"{address}/ping", timeout=5).raise_for_status()
        except requests.ConnectionError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


def ask(server, **request):
    return requests.post(f"{server}/invocations", timeout=60, **request)


def test_one_image_and_a_batch_get_the_logged_scores(server, finished):
    run, folder, _ = finished
    artifacts = folder / "mlruns" / run.info.experiment_id / run.info.run_id / "artifacts"
    expected = pd.read_parquet(artifacts / "predictions.parquet")["score"].to_numpy()
    images = np.asarray(load("demo", "small").test.images)
    for rows in (slice(0, 1), slice(0, 100)):
        answer = ask(server, json={"inputs": images[rows].tolist()})
        assert answer.status_code == 200
        assert np.allclose(np.array(answer.json()["predictions"])[:, 0], expected[rows], atol=1e-6)


def pixels(shape, value=7):
    return {"json": {"inputs": np.full(shape, value).tolist()}}


@pytest.mark.parametrize(
    ("request_", "status", "text"),
    [
        (pixels((32, 32, 3)), 400, "Shape of input (32, 32, 3) does not match expected shape (-1, 32"),
        (pixels((1, 16, 16, 3)), 400, "Shape of input (1, 16, 16, 3) does not match expected shape (-1, 32"),
        (pixels((1, 32, 32, 3), 300), 400, "Python integer 300 out of bounds for uint8"),
        (pixels((1, 32, 32, 3), -1), 400, "Python integer -1 out of bounds for uint8"),
        (pixels((1, 32, 32, 3), "red"), 400, "invalid literal for int() with base 10: 'red'"),
        ({"json": {"inputs": [[[1, 2, 3], [1]]]}}, 400, "inhomogeneous shape"),
        ({"json": {"inputs": []}}, 400, "with schema '[Tensor('uint8', (-1, 32, 32, 3))]'"),
        ({"json": {"pixels": []}}, 400, "exactly one of the input fields"),
        ({"data": "hello", "headers": {"Content-Type": "application/json"}}, 400, "valid JSON"),
        ({"data": b"\xff\xd8", "headers": {"Content-Type": "image/jpeg"}}, 415, "Got 'image/jpeg'"),
    ],
)  # fmt: skip
def test_bad_requests_are_told_what_is_wrong(server, request_, status, text):
    answer = ask(server, **request_)
    assert answer.status_code == status
    assert text in answer.text
