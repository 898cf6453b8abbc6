"""Suites on a Ray cluster: two nodes, both on this machine, one of which is lost."""

import signal
import subprocess
import sys

import mlflow
import pytest

from cifake.core.errors import ConfigError, RunError
from cifake.suite.engines import choose_engine
from cifake.suite.jobs import Resources
from cifake.suite.options import parse
from cifake.tracking.store import shared_address
from tests.support.project import BASE, REPOSITORY
from tests.support.ray_cluster import cluster
from tests.support.suites import end, epochs, runs, start, wait_for


@pytest.fixture(scope="module")
def nodes():
    with cluster(2) as started:
        yield started


@pytest.fixture
def on_ray(nodes, monkeypatch):
    for name, value in nodes.environment.items():
        monkeypatch.setenv(name, value)
    return nodes


def test_a_lost_node_loses_nothing_and_ctrl_c_stops_cleanly(store, tmp_path, on_ray):
    states = tmp_path / "cache" / "checkpoints"
    (tmp_path / "broken.yaml").write_text(f"extends: {BASE}\noptimizer: sgd\nlearning_rate: 1e+30\n")
    words = (f"variants={BASE},{tmp_path}/broken.yaml", "engine=ray", "epochs=60", "seeds=2")
    process = start(tmp_path, *words)
    wait_for(lambda: len(list(states.glob("*/*.npz"))) == 2 or process.poll() is not None)
    on_ray.lose_node(on_ray.nodes.pop())
    code, output, messages = end(process)
    assert code == 1, messages
    assert output.startswith("plan: 4 runs; Ray nodes: 2, runs at once: 2, each with cpus=1 gpus=0\n")
    lines = messages.splitlines()
    assert sum(": again: its node or worker was lost (" in line for line in lines) == 1
    assert lines[-3] == "2 of 4 runs failed; the same command tries them again:"
    assert lines[-1].startswith("  broken seed 1: RunError: epoch 1: expected a finite training loss")
    found, (suite,) = runs()
    done = [run for run in found if run.data.tags["variant"] == "base"]
    assert [run.info.status for run in done] == ["FINISHED"] * 2
    assert [[step for step, _ in epochs(run)] for run in done] == [list(range(60))] * 2
    # One process of the node that is left trained all that came after: TensorFlow is not loaded for each run.
    assert len({run.data.tags["owner_pid"] for run in found}) == 1
    assert {run.data.tags["mlflow.parentRunId"] for run in found} == {suite.info.run_id}

    process = start(
        tmp_path, f"variants={BASE}", "engine=ray", "epochs=100000", "seeds=2", "learning_rate=0.01"
    )
    wait_for(lambda: list(states.glob("*/*.npz")) or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    code, _, messages = end(process)
    assert code == 130
    assert "stopped: 0 of 2 runs ended; the same command resumes" in messages
    assert "Traceback" not in messages
    stopped = [run for run in runs()[0] if run.data.params["learning_rate"] == "0.01"]
    assert [run.info.status for run in stopped] == ["KILLED"]
    assert runs()[1][-1].info.status == "KILLED"


def test_what_no_node_has_is_refused(store, on_ray):
    command = [sys.executable, "-m", "cifake.suite", "engine=ray", "cpus=64", "memory=2GiB"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert ended.returncode == 2
    message = "no node of the cluster at auto has cpus=64 gpus=0 memory=2.0GiB; ask for less"
    assert ended.stderr == f"error: {message}\n"


def test_a_cluster_that_does_not_answer_is_named(free_port):
    with pytest.raises(RunError, match=rf"no Ray cluster can be used at address=127.0.0.1:{free_port} \("):
        choose_engine(parse(["engine=ray", f"address=127.0.0.1:{free_port}"])[0])


def test_a_missing_ray_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "cifake.suite.engines.ray", raising=False)
    with pytest.raises(ConfigError, match=r"ray is not installed here; pip install '.\[cluster\]'"):
        choose_engine(parse(["engine=ray"])[0])


def test_other_machines_need_a_server(store):
    assert shared_address([]) == store
    with pytest.raises(RunError, match=r"is a file of this machine, and the cluster has others \(a, b\)"):
        shared_address(["a", "b"])
    mlflow.set_tracking_uri("http://10.0.0.1:5000")
    assert shared_address(["a", "b"]) == "http://10.0.0.1:5000"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["engine=slurm"], "engine: expected 'local' or 'ray', received 'slurm'"),
        (["cpus=2"], "cpus: only for engine=ray"),
        (["engine=ray", "workers=2"], "workers: only for engine=local"),
        (["engine=ray", "cpus=0"], "cpus: expected greater than or equal to 1, received '0'"),
        (
            ["engine=ray", "gpus=1.5"],
            "gpus: expected 0, a fraction of one such as 0.5, or a number",
        ),
        (["engine=ray", "memory=much"], "memory: expected a size such as 2GiB, received 'much'"),
    ],
)
def test_a_wrong_option_is_named(words, message):
    with pytest.raises(ConfigError, match=message):
        parse(words)


def test_resources_are_read():
    options, _ = parse(["engine=ray", "cpus=2", "gpus=0.5", "memory=4GiB"])
    assert options.resources == Resources(2, 0.5, 4 * 2**30)
    assert str(parse([])[0].resources) == "cpus=1 gpus=0"
