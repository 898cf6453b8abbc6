"""The key of a training, so that none is done twice: settings, seed, data and code."""

import ast
import functools
import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import mlflow

from cifake import contract
from cifake.config import Settings
from cifake.core.backend import keras_backend
from cifake.core.cache_directory import cache_directory
from cifake.core.errors import ConfigError

PACKAGE = Path(__file__).parent.parent
# The code that decides scores. Settings and data are part of the key themselves, with all their values.
MODULES = (
    "models/**/*.py", "training/**/*.py", "search/**/*.py", "evaluation/metrics.py", "evaluation/scoring.py",
    "train/pipeline.py", "config/builders.py", "config/search_space.py",
)  # fmt: skip
NOT_DECISIVE = {"training/checkpoint.py", "search/figure.py"}
BACKENDS = ("tensorflow", "jax", "torch")
# What only talks to the user, and imports of it.
MESSAGES = {"logging", "logger", "warnings", "print"}
QUIET_IMPORTS = {"logging", "warnings", "typing", "collections.abc", "cifake.core.errors"}


def run_key(settings: Settings, digest: str) -> str:
    """The key of everything that decides the scores of a run.

    Args:
        settings: as resolved, with the name of the data set found.
        digest: of the data set.
    """
    parts = [settings.config_hash(), settings.seed, digest, code_version()]
    if (weights := Path(getattr(settings.model, "weights", ""))).is_file():
        parts.append(hashlib.sha256(weights.read_bytes()).hexdigest())  # another file may be put in its place
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]


def checkpoint_directory(key: str) -> Path:
    """Where the state of a training lies until it is finished: a folder for each key and store."""
    parts = json.dumps([key, mlflow.get_tracking_uri()])
    return cache_directory() / "checkpoints" / hashlib.sha256(parts.encode()).hexdigest()[:20]


def libraries() -> str:
    """Keras and its backend: ``keras 3.15.1, tensorflow 2.21.0``.

    Raises:
        ConfigError: the backend is not installed, or no model is trained on it.
    """
    backend = keras_backend()
    if backend not in BACKENDS:
        raise ConfigError(f"KERAS_BACKEND: expected {', '.join(BACKENDS)}, received '{backend}'")
    try:
        return f"keras {version('keras')}, {backend} {version(backend)}"
    except PackageNotFoundError:
        raise ConfigError(
            f"Keras' backend {backend} is not installed; set KERAS_BACKEND=tensorflow"
        ) from None


@functools.cache
def code_version(package: Path = PACKAGE) -> str:
    """Hash of the code that decides scores, and of the libraries that it runs on."""
    directions = {key: metric.higher_is_better for key, metric in contract.OF_PREDICTIONS.items()}
    constants = [contract.IMAGE_SIDE, contract.LABELS, contract.THRESHOLD, directions]
    digest = hashlib.sha256(f"{libraries()} {constants}".encode())
    for file in sorted({file for pattern in MODULES for file in package.glob(pattern)}):
        if str(file.relative_to(package)) not in NOT_DECISIVE:
            digest.update(decisive_code(file.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()[:12]


def decisive_code(text: str) -> str:
    """A module without anything that a user reads: comments, descriptions, messages, type annotations."""
    return ast.unparse(_Decisive().visit(ast.parse(text)))


class _Decisive(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Docstrings and messages."""
        is_text = isinstance(node.value, ast.Constant)
        return None if is_text or _root(node.value) in MESSAGES else self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        return None if _root(node.value) == "logging" else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if _root(node.test) == "TYPE_CHECKING" else self.generic_visit(node)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> ast.AST | None:
        names = {node.module} if isinstance(node, ast.ImportFrom) else {each.name for each in node.names}
        return None if names <= QUIET_IMPORTS else node

    visit_ImportFrom = visit_Import  # noqa: N815, a name of ast's

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return ast.Raise(exc=error, cause=None)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if _root(node.func).endswith(("Error", "Exception")):
            node.args, node.keywords = [], []
        node.keywords = [each for each in node.keywords if each.arg not in ("description", "help")]
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)


def _root(node: ast.AST) -> str:
    """The name that an expression starts with: ``logging`` of ``logging.getLogger(__name__)``."""
    while isinstance(node, ast.Call | ast.Attribute):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""
