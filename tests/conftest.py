"""A tiny data set on disk, an empty cache and a store of its own for every test that asks."""

import itertools
import os
import shutil

import pytest

from cifake.data.demo import Demo
from tests.support.data_sets import TREE_SIZES, write_tree
from tests.support.made_runs import log_trained
from tests.support.project import QUICK, train
from tests.support.servers import free_tcp_port

REAL_DATA, USER_CACHE = os.environ.get("CIFAKE_DATA"), os.environ.get("CIFAKE_CACHE")


@pytest.fixture(scope="session", autouse=True)
def _own_surroundings(tmp_path_factory):
    """Nothing from the developer's environment decides what a test sees."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CIFAKE_DATA", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_ID", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        patch.setenv("CIFAKE_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        yield


@pytest.fixture
def real_data(monkeypatch):
    """The whole CIFAKE where CIFAKE_DATA names it; its cache is the user's own and is kept."""
    if not REAL_DATA:
        pytest.skip("CIFAKE_DATA is not set")
    monkeypatch.setenv("CIFAKE_DATA", REAL_DATA)
    if USER_CACHE:
        monkeypatch.setenv("CIFAKE_CACHE", USER_CACHE)
    else:
        monkeypatch.delenv("CIFAKE_CACHE")


@pytest.fixture(scope="session")
def demo_files():
    """Demo images by canonical name, 40 and 20 of each label."""
    files = {}
    for part, size in TREE_SIZES.items():
        of_part = ((name, data) for name, data in Demo().files() if name.startswith(part))
        files |= dict(itertools.islice(of_part, 2 * size))
    return files


@pytest.fixture
def tree(tmp_path, demo_files):
    """The tiny data set as a directory."""
    return write_tree(tmp_path / "tree", demo_files)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """A SQLite store with its tables: making them takes a second, copying it none."""
    import mlflow

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def store(tmp_path, monkeypatch, empty_store):
    """The address of an empty store; the working directory is its folder."""
    import mlflow

    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, "mlflow.db")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow.set_tracking_uri(uri)
    mlflow.create_experiment("cifake", artifact_location=str(tmp_path / "artifacts"))
    yield uri
    mlflow.set_tracking_uri(None)
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)  # mlflow.set_experiment leaves it behind


@pytest.fixture(scope="session")
def finished(tmp_path_factory, empty_store):
    """One finished run on the demo set, its store's folder and its process, for tests that only read."""
    import mlflow

    folder = tmp_path_factory.mktemp("run")
    uri = f"sqlite:///{folder}/mlflow.db"
    shutil.copy(empty_store, folder / "mlflow.db")
    done = train(*QUICK, "--seed", "3", "--export", "h5", cwd=folder, MLFLOW_TRACKING_URI=uri)
    assert done.returncode == 0, done.stderr
    (run,) = mlflow.MlflowClient(uri).search_runs(["1"])
    return run, folder, done


@pytest.fixture
def finished_store(finished, monkeypatch):
    """The address of the store that holds ``finished``, as the present one."""
    import mlflow

    uri = f"sqlite:///{finished[1]}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    mlflow.set_tracking_uri(uri)
    yield uri
    mlflow.set_tracking_uri(None)


@pytest.fixture
def free_port():
    """A port of the loopback interface that nothing listens on."""
    return free_tcp_port()


@pytest.fixture(scope="session")
def compared(tmp_path_factory, empty_store):
    """The address of a store with runs to compare: base and val alike, sgd worse, one of sigmoid."""
    import mlflow

    folder = tmp_path_factory.mktemp("compared")
    shutil.copy(empty_store, folder / "mlflow.db")
    uri = f"sqlite:///{folder}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        mlflow.set_tracking_uri(uri)
        mlflow.create_experiment("cifake", artifact_location=str(folder / "artifacts"))
        settings = {"optimizer": "adam", "validation_steps": 23}
        costs = {"cost/parameters": 1000.0, "cost/latency_ms": 1.0}
        curve = {"history": [0.5, 0.4, 0.3], "tested": True, **costs}
        log_trained("base", 1.0, [0, 1, 2], params=settings, **curve)
        log_trained("val", 1.0, [5, 6, 7], params={**settings, "validation_steps": 10}, **curve)
        log_trained(
            "sgd",
            0.4,
            [0, 1, 2],
            params={**settings, "optimizer": "sgd"},
            history=[0.6, 0.5],
            tested=True,
            **costs,
        )
        log_trained("sigmoid", 0.2, [0], params={**settings, "activation": "sigmoid"}, **curve)
        mlflow.set_tracking_uri(None)
        os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
    yield uri
    mlflow.set_tracking_uri(None)
