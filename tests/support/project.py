"""This project as a user calls it."""

import os
import subprocess
import sys
from pathlib import Path

from cifake.cli.grammar import last_texts, split_words
from cifake.compare.__main__ import main
from cifake.config import parse_overrides
from cifake.core.errors import exit_code

REPOSITORY = Path(__file__).parent.parent.parent
EXPERIMENTS = REPOSITORY / "experiments"
BASE = str(EXPERIMENTS / "base.yaml")
QUICK = [
    "--dataset=demo", "--split=small", "--epochs=2", "--steps_per_epoch=4", "--model.filters=[4]",
]  # fmt: skip


def launch(*words, cwd):
    """Call ``mlflow run`` on this project."""
    command = [sys.executable, "-m", "mlflow", "run", str(REPOSITORY), "--env-manager", "local", *words]
    path = f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )


def train(*words, cwd=REPOSITORY, **environment):
    command = [sys.executable, "-m", "cifake.train", str(EXPERIMENTS / "base.yaml"), *words]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def compare(*words):
    """compare.py in this process: its exit code."""
    return exit_code(lambda: main(list(words)))


def overrides(*words):
    """Settings from the words of a command line."""
    return parse_overrides(last_texts(split_words(words)[1]))
