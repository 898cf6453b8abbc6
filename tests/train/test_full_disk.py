"""A full disk: one clear line, nothing that is finished is lost, and it goes on once there is room."""

import contextlib
import shutil
import sqlite3
import subprocess

import keras
import mlflow
import pytest

from cifake.config import load as load_settings
from cifake.core.errors import exit_code
from cifake.data import load
from cifake.data.cache import load_cached
from cifake.data.find import find
from cifake.train.pipeline import train
from cifake.training.frozen_features import _extract
from tests.support.project import BASE, EXPERIMENTS
from tests.support.suites import end, runs, start

TINY = {"dataset": "demo", "split": "small", "model.filters": [4], "model.dense": [8], "steps_per_epoch": 2,
        "validation_steps": 2, "epochs": 6}  # fmt: skip


class Disk:
    """A file system in memory; 24 MB hold a store and the models of some runs."""

    def __init__(self, folder):
        self.folder = folder
        self.filler = folder / "filler"

    def fill(self):
        with self.filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
            while True:
                stream.write(bytes(4096))
        assert shutil.disk_usage(self.folder).free == 0

    def make_room(self):
        self.filler.unlink()


@pytest.fixture
def disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield Disk(folder)
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def train_and_fill(disk, epoch):
    """Exit code of a training that meets a full disk after an epoch."""
    settings = load_settings(EXPERIMENTS / "base.yaml", TINY)
    data = load("demo", "small")
    full = []

    def on_epoch_end(number, metrics):
        if number == epoch:
            disk.fill()
            full.append(number)

    code = exit_code(
        lambda: train("base", settings, data, watch=lambda *_: contextlib.nullcontext(on_epoch_end)) and 0
    )
    assert full == [epoch]
    disk.make_room()
    return code, lambda: train("base", settings, data)


def check_finished(run_id, epochs=6):
    run = mlflow.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert "failure" not in run.data.tags
    history = mlflow.MlflowClient().get_metric_history(run_id, "train/loss")
    assert [point.step for point in history] == list(range(epochs))
    mlflow.artifacts.download_artifacts(f"runs:/{run_id}/predictions.parquet")
    mlflow.pyfunc.load_model(f"runs:/{run_id}/model")


def test_checkpoints(store, own_cache, disk, capsys):
    own_cache.mkdir()
    (own_cache / "checkpoints").symlink_to(disk.folder)
    code, again = train_and_fill(disk, epoch=2)
    assert code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert line.startswith(f"error: the checkpoint {own_cache}/checkpoints/")
    assert line.endswith(
        "cannot be written (No space left on device); make room or set CIFAKE_CACHE, then give the same "
        "command again: it resumes after the last epoch saved there"
    )
    (stopped,) = runs()[0]
    assert stopped.info.status == "FAILED"
    assert "No space left on device" in stopped.data.tags["failure"]
    assert again() == stopped.info.run_id
    check_finished(stopped.info.run_id)


def test_artifacts(tmp_path, monkeypatch, own_cache, empty_store, disk, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.create_experiment("cifake", artifact_location=str(disk.folder / "artifacts"))
    code, again = train_and_fill(disk, epoch=5)
    assert code == 2
    assert "error: a disk is full (No space left on device" in capsys.readouterr().err
    (stopped,) = runs()[0]
    assert stopped.info.status == "FAILED"
    assert again() == stopped.info.run_id
    check_finished(stopped.info.run_id)


def test_a_suite_whose_store_is_full(monkeypatch, tmp_path, own_cache, empty_store, disk):
    """With the store and the artifacts on the disk; the first run is finished when it gets full."""
    shutil.copy(empty_store, disk.folder / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{disk.folder}/mlflow.db")
    words = (f"variants={BASE}", "seeds=2", "epochs=20", "workers=1")
    process = start(disk.folder, *words)
    while (line := process.stderr.readline()) != "base seed 0: finished (1 of 2 done)\n":
        assert line, "the suite ended"
    disk.fill()
    code, _, messages = end(process)
    full = "a disk is full (database or disk is full); make room and give the same command again: it resumes"
    assert f"base seed 1: failed: RunError: {full} (2 of 2 done)" in messages.splitlines()
    assert messages.splitlines()[-1] == f"error: {full}"
    assert "Traceback" not in messages
    assert code == 2
    with sqlite3.connect(disk.folder / "mlflow.db") as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
    finished = [run.info.run_id for run in runs()[0] if run.info.status == "FINISHED"]
    assert len(finished) == 1
    check_finished(*finished, epochs=20)

    disk.make_room()
    code, output, messages = end(start(disk.folder, *words))
    assert code == 0, messages
    assert output.splitlines()[2].startswith("1 to reuse")
    after, _ = runs()
    assert [run.info.status for run in after] == ["FINISHED"] * 2
    for run in after:
        check_finished(run.info.run_id, epochs=20)


def test_decoded_images(tree, disk, monkeypatch, capsys):
    monkeypatch.setenv("CIFAKE_CACHE", str(disk.folder))
    monkeypatch.setenv("CIFAKE_DATA", str(tree))
    disk.fill()
    assert exit_code(lambda: load_cached(find("auto")) and 0) == 2
    assert "error: a disk is full (No space left on device" in capsys.readouterr().err
    disk.make_room()
    assert len(load_cached(find("auto")).images) == 120


def test_features(disk, capsys):
    """As many as the disk does not hold: through a memory map they would end the process with SIGBUS."""
    part = load("demo", "small").train
    pixels = keras.Input((32, 32, 3))
    features = keras.layers.Flatten()(keras.layers.UpSampling2D(2)(keras.layers.Rescaling(1.0)(pixels)))
    extractor = keras.Model(pixels, features)  # 48 KB an image
    assert exit_code(lambda: _extract(extractor, part, disk.folder / "train.npy")) == 2
    assert "error: a disk is full (No space left on device" in capsys.readouterr().err
    assert not (disk.folder / "train.npy").exists()
