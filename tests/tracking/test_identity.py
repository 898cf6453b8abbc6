"""What the code version depends on."""

import shutil

import pytest

from cifake.config import load
from cifake.data import Dataset
from cifake.tracking import identity
from cifake.tracking.identity import PACKAGE, code_version, decisive_code, run_key
from cifake.tracking.trials import search_directory
from tests.support.made_parts import numbered
from tests.support.project import EXPERIMENTS


def test_a_module_is_reduced_to_what_decides_scores():
    text = '''"""A module."""
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)


class Options(Strict):
    """Options."""

    units: int = Field(3, ge=1, description="of a layer")


def fit(model: "keras.Model", rate: float = 0.5) -> float:
    """Train."""
    logger.info("training at %s", rate)  # a message
    if rate < 0:
        raise ConfigError(f"expected a positive rate, received {rate}") from None
    return rate * 2
'''
    assert decisive_code(text).split("\n") == [
        "class Options(Strict):",
        "    units: None = Field(3, ge=1)",
        "",
        "def fit(model, rate=0.5):",
        "    if rate < 0:",
        "        raise ConfigError",
        "    return rate * 2",
    ]


@pytest.fixture
def package(tmp_path):
    """A copy of the package, to edit."""
    return shutil.copytree(PACKAGE, tmp_path / "cifake", ignore=shutil.ignore_patterns("__pycache__"))


def edit(package, file, old, new):
    path = package / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (
            "config/builders.py",
            'description="side of the convolutions, in pixels"',
            'description="their side"',
        ),
        ("config/settings.py", 'description="', 'description="The '),
        ("training/fit.py", "expected a finite training loss", "the training loss must be finite"),
        ("training/fit.py", '"""Fit a model', '"""Train a model'),
        ("search/tuner.py", '"trial %d: %s %.4f"', '"number %d: %s %.4f"'),
        ("evaluation/metrics.py", "from collections.abc import", "from collections.abc import Sized,"),
        ("evaluation/run_figures.py", "import", "import os\nimport"),
        ("contract.py", '"ROC AUC"', '"area under the ROC curve"'),
    ],
)
def test_texts_for_users_do_not_change_the_code_version(package, file, old, new):
    edit(package, file, old, new)
    assert code_version(package) == code_version()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("training/compile.py", "STEPS_PER_EXECUTION = 10", "STEPS_PER_EXECUTION = 11"),
        ("models/build.py", 'activation="sigmoid"', 'activation="tanh"'),
        ("config/builders.py", "[value] * len(layers)", "[value] + len(layers)"),
        ("evaluation/metrics.py", "return float(", "return -float("),
        ("train/pipeline.py", "set_random_seed(settings.seed)", "set_random_seed(settings.seed + 1)"),
    ],
)
def test_numbers_and_operators_change_the_code_version(package, file, old, new):
    edit(package, file, old, new)
    assert code_version(package) != code_version()


def test_another_file_of_weights_is_another_training(tmp_path):
    file = tmp_path / "backbone.weights.h5"
    settings = load(EXPERIMENTS / "mobilenet_v2.yaml", {"model.weights": str(file)})
    missing = run_key(settings, "digest")
    file.write_bytes(b"one")
    first = run_key(settings, "digest")
    file.write_bytes(b"two")
    assert len({missing, first, run_key(settings, "digest")}) == 3
    file.write_bytes(b"one")
    assert run_key(settings, "digest") == first


def test_a_search_does_not_take_the_trials_of_other_code(monkeypatch, tmp_path):
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path))
    settings = load(EXPERIMENTS / "tuned.yaml", {"dataset": "demo"})
    data = Dataset("demo", "small", "digest", numbered(2), numbered(2), numbered(2))
    before = search_directory(settings, data)
    assert search_directory(settings, data) == before
    monkeypatch.setattr(identity, "code_version", lambda: "another")
    assert search_directory(settings, data) != before
