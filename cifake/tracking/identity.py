"""What names a training, so that none is done twice: settings, seed, data and code."""

import ast
import functools
import hashlib
import json
import os
from importlib.metadata import version
from pathlib import Path

import mlflow

from cifake.config import Settings
from cifake.core.cache_directory import cache_directory

# The code that decides scores; what figures, tables and commands do changes none.
MODULES = (
    "config/**/*.py", "data/**/*.py", "models/**/*.py", "training/**/*.py", "evaluation/metrics.py",
    "evaluation/predict.py", "pipeline.py",
)  # fmt: skip
PACKAGE = Path(__file__).parent.parent


def run_key(settings: Settings, digest: str) -> str:
    """Name of all that decides the scores of a run.

    Args:
        settings: as resolved, with the name of the data set found.
        digest: of the data set.
    """
    about = [settings.config_hash(), settings.seed, digest, code_version()]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:20]


def checkpoint_directory(key: str) -> Path:
    """Where the state of a training lies until it is finished: a folder for each key and store."""
    about = json.dumps([key, mlflow.get_tracking_uri()])
    return cache_directory() / "checkpoints" / hashlib.sha256(about.encode()).hexdigest()[:20]


@functools.cache
def code_version() -> str:
    """Hash of the code that decides scores, without comments and docstrings, and of what it runs on."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    digest = hashlib.sha256(f"{version('keras')} {backend} {version(backend)}".encode())
    files = sorted({file for pattern in MODULES for file in PACKAGE.glob(pattern)})
    for file in files:
        digest.update(f"{file.relative_to(PACKAGE)} {_code(file.read_text(encoding='utf-8'))}".encode())
    return digest.hexdigest()[:12]


def _code(text: str) -> str:
    """A module without comments, docstrings and layout."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:]
    return ast.dump(tree)
