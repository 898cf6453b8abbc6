"""Suites in processes of their own, and what they leave in the store."""

import os
import signal
import subprocess
import sys
import time

import mlflow

from tests.support.project import REPOSITORY

OVERRIDES = ("dataset=demo", "split=small", "model.filters=[4]", "model.dense=[8]", "steps_per_epoch=4",
             "validation_steps=2")  # fmt: skip
# Shows, too, that the parent process imports neither.
SUITE = """import sys
from cifake.core.errors import exit_code
from cifake.suite.__main__ import main
code = exit_code(lambda: main(sys.argv[1:]))
assert not {"tensorflow", "keras"} & set(sys.modules), "the parent process has imported TensorFlow"
sys.exit(code)
"""


def start(folder, *words):
    return subprocess.Popen(
        [sys.executable, "-c", SUITE, *OVERRIDES, *words],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        # A shell makes its background jobs, and with them these tests, ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def end(process):
    output, messages = process.communicate(timeout=300)
    return process.returncode, output, messages


def runs():
    found = mlflow.search_runs(search_all_experiments=True, output_format="list", order_by=["start_time"])
    return [run for run in found if "variant" in run.data.tags], [
        run for run in found if run.data.tags.get("tool") == "suite"
    ]


def epochs(run, key="train/loss"):
    return [(p.step, p.value) for p in mlflow.MlflowClient().get_metric_history(run.info.run_id, key)]


def workers(process):
    """Those of the suite, forked from one that has imported TensorFlow; data is decoded by joblib's."""
    servers = [child for child in process.children() if "multiprocessing.forkserver" in str(child.cmdline())]
    return [worker for server in servers for worker in server.children()]


def wait_for(condition):
    limit = time.monotonic() + 200
    while not (found := condition()):
        assert time.monotonic() < limit
        time.sleep(0.1)
    return found
