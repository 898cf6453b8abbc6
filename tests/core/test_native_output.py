"""What C++ libraries write to file descriptor 2 is logged; what Python writes is seen."""

import os
import subprocess
import sys

import pytest

from cifake.core.native_output import native_log, native_output_logged
from tests.support.project import EXPERIMENTS, QUICK, REPOSITORY

NATIVE = ("absl::InitializeLog", "oneDNN", "cudart", "cpu_feature_guard")
FAILS = """import os, sys
from cifake.core.native_output import native_output_logged
@native_output_logged()
def main():
    os.write(2, b"from C++\\n")
    print("from Python", file=sys.stderr)
    raise {error}
main()
"""


def run(*command, **environment):
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "TF_CPP_MIN_LOG_LEVEL": "0", **environment}
    return subprocess.run(
        [sys.executable, *map(str, command)], env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_traceback_names_the_log_that_holds_what_native_code_wrote(cache):
    done = run("-c", FAILS.format(error="KeyError(1)"))
    lines = done.stderr.splitlines()
    assert lines[0] == "from Python"
    assert lines[-2:] == ["KeyError: 1", f"The messages of TensorFlow are in {cache}/tensorflow.log"]
    assert (cache / "tensorflow.log").read_text() == "from C++\n"


def test_a_mistake_of_the_user_stays_one_line(cache):
    error = "__import__('cifake.core.errors').core.errors.ConfigError('no')"
    assert run("-c", FAILS.format(error=error)).stderr.splitlines()[-1].endswith("ConfigError: no")


def test_native_code_that_ends_the_process_leaves_python_s_stack(cache):
    done = run("-c", FAILS.format(error="SystemExit(os.abort())"))
    assert done.returncode == -6
    assert "Fatal Python error: Aborted" in done.stderr


def test_without_a_cache_everything_stays_on_stderr(tmp_path):
    (tmp_path / "file").write_text("")
    done = run("-c", FAILS.format(error="KeyError(1)"), CIFAKE_CACHE=tmp_path / "file" / "cache")
    assert done.stderr.splitlines()[:2] == ["from C++", "from Python"]


def test_descriptor_2_is_given_back(cache, capfd):
    with native_output_logged():
        os.write(2, b"inside\n")
    os.write(2, b"outside\n")
    assert capfd.readouterr().err == "outside\n"
    assert native_log().read_text() == "inside\n"


def test_no_line_of_tensorflow_s_start_is_seen_in_a_training_or_a_suite(cache, store):
    base, words = EXPERIMENTS / "base.yaml", [*QUICK, "--epochs=1"]
    for command in (["cifake.train", base], ["cifake.suite", f"variants={base}", "seeds=1,2", "workers=1"]):
        (cache / "tensorflow.log").unlink(missing_ok=True)
        done = run("-m", *command, *words)
        assert done.returncode == 0, done.stderr
        assert not [line for line in done.stderr.splitlines() if any(name in line for name in NATIVE)]
        assert "oneDNN" in (cache / "tensorflow.log").read_text()


def test_nor_in_a_command_that_uses_a_model(cache, finished_store, tmp_path):
    images = tmp_path / "images"
    export = ("cifake.robustness", "run=base", "export=flip_1", f"output={images}", "images=20")
    predict = ("cifake.predict", "model=base", f"images={images}", f"output={tmp_path}")
    explain = ("cifake.explain", "run=base", f"images={images}", f"output={tmp_path}/explanation")
    for command in (export, predict, explain):
        (cache / "tensorflow.log").unlink(missing_ok=True)
        done = run("-m", *command)
        assert done.returncode == 0, done.stderr
        assert not [line for line in done.stderr.splitlines() if any(name in line for name in NATIVE)]
        assert "oneDNN" in (cache / "tensorflow.log").read_text()
