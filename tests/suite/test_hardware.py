"""What workers get of a machine: cores and GPUs."""

import pytest

from cifake.suite.engines.hardware import divide, find_gpus
from cifake.suite.engines.local import LocalEngine
from cifake.suite.jobs import RunContext
from cifake.suite.plan import make_jobs
from tests.support import gpu_worker
from tests.support.project import EXPERIMENTS

NVIDIA_SMI = """#!/bin/sh
echo 'GPU 0: NVIDIA H200 (UUID: GPU-aaaa)'
echo '  MIG 1g.18gb     Device  0: (UUID: MIG-bbbb)'
echo 'GPU 1: NVIDIA H200 (UUID: GPU-cccc)'
"""


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """An `nvidia-smi` that knows two GPUs."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text(NVIDIA_SMI)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tool


def test_gpus_are_those_of_the_driver_or_of_cuda_visible_devices(driver, monkeypatch):
    assert find_gpus() == ["GPU-aaaa", "GPU-cccc"]
    for given, found in (("1, 0", ["1", "0"]), ("2,-1,0", ["2"]), ("", []), ("-1", [])):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
        assert find_gpus() == found
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    driver.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    assert find_gpus() == []
    driver.unlink()
    assert find_gpus() == []


def test_a_worker_a_gpu(monkeypatch):
    monkeypatch.setattr("joblib.cpu_count", lambda: 8)
    assert divide(10, None, ["0", "1"]) == (2, 4)
    assert divide(1, None, ["0", "1"]) == (1, 8)
    assert divide(10, 4, ["0", "1"]) == (4, 2)  # as asked for: two share a GPU
    assert divide(3, 8, []) == (3, 2)


def test_each_worker_sees_a_gpu_of_its_own_and_so_does_the_one_that_replaces_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7,5")
    monkeypatch.setattr("cifake.suite.engines.local.run_worker", gpu_worker.run_worker)
    jobs = make_jobs([str(EXPERIMENTS / "base.yaml")], [0, 1, 2], {"dataset": "demo", "split": "small"})
    engine = LocalEngine(None)
    capacity = engine.capacity(3)
    assert (capacity.count, capacity.text.partition(",")[0]) == (2, "workers: 2 and GPUs: 2")
    events = list(engine.execute([jobs], capacity.count, RunContext("", "", 1, force=False)))
    # The one with GPU 7 dies of its first job; who replaces it has the same.
    assert [event.kind for event in events].count("died") >= 1
    assert {event.text for event in events if event.kind == "finished"} == {"5", "7"}
