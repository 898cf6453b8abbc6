import re
import subprocess
import sys

import pytest
import yaml
from conftest import EXPERIMENTS, REPOSITORY

from cifake.config import load, parse_overrides
from cifake.errors import ConfigError

VARIANTS = sorted(path for path in EXPERIMENTS.glob("*.yaml") if path.stem != "defaults")


def test_base_resolves_to_what_was_published():
    assert load(EXPERIMENTS / "base.yaml").flat() == {
        "dataset": "auto",
        "split": "full",
        "seed": 0,
        "model.builder": "cnn",
        "model.filters": [32, 32],
        "model.kernel_size": 3,
        "model.padding": "valid",
        "model.activation": "relu",
        "model.dense": [512],
        "model.dense_activation": "relu",
        "model.dropout": 0.5,
        "augmentation.rotation": 0.0,
        "augmentation.shift": 0.0,
        "augmentation.shear": 0.0,
        "augmentation.zoom": 0.0,
        "augmentation.horizontal_flip": False,
        "optimizer": "adam",
        "learning_rate": None,
        "batch_size": 32,
        "epochs": 20,
        "steps_per_epoch": None,
        "validation_steps": 23,
        "monitor": "val/loss",
        "patience": None,
        "restore_best_weights": True,
    }


@pytest.mark.parametrize(
    ("variant", "differences"),
    [
        ("epoch", {"epochs": 10}),
        ("sgd", {"optimizer": "sgd"}),
        ("sigmoid", {"model.activation": "sigmoid"}),
        ("val", {"validation_steps": 10}),
        (
            "affine",
            {
                "augmentation.rotation": 40.0,
                "augmentation.shift": 0.2,
                "augmentation.shear": 0.2,
                "augmentation.zoom": 0.2,
            },
        ),
    ],
)
def test_a_variant_changes_one_thing(variant, differences):
    base = load(EXPERIMENTS / "base.yaml").flat()
    assert load(EXPERIMENTS / f"{variant}.yaml").flat() == {**base, **differences}


@pytest.mark.parametrize("path", VARIANTS, ids=lambda path: path.stem)
def test_every_variant_is_short_resolves_and_says_why_it_exists(path):
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# ")
    assert 2 <= len(lines) <= 8
    assert load(path).epochs >= 1


def test_mlproject_has_one_stanza_a_variant():
    points = yaml.safe_load((REPOSITORY / "MLproject").read_text())["entry_points"]
    trained = {name: point["command"] for name, point in points.items() if "cifake.train" in point["command"]}
    assert trained == {path.stem: f"python -m cifake.train experiments/{path.name}" for path in VARIANTS}
    assert not any("parameters" in point for point in points.values())


def test_the_three_spellings_of_an_override_are_one():
    assert (
        parse_overrides(["--epochs", "5", "--model.filters", "[64, 64]"])
        == parse_overrides(["--epochs=5", "--model.filters=[64, 64]"])
        == parse_overrides(["epochs=5", "model.filters=[64, 64]"])
        == {"epochs": 5, "model.filters": [64, 64]}
    )
    assert parse_overrides(["--validation-steps", "3"]) == {"validation_steps": 3}


@pytest.mark.parametrize("text", ["1e-3", "0.001", "1.0e-3", "1E-3"])
def test_numbers_are_read_as_people_write_them(text):
    settings = load(EXPERIMENTS / "base.yaml", parse_overrides([f"learning_rate={text}"]))
    assert settings.learning_rate == 0.001


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("epoch=5", "unknown setting 'epoch'; did you mean 'epochs'?"),
        ("model.filter=[3]", "unknown setting 'model.filter'; did you mean 'model.filters'?"),
        ("epochs=ten", "epochs: expected a valid integer, received 'ten'"),
        ("epochs=0", "epochs: expected greater than or equal to 1, received 0"),
        ("epochs=true", "epochs: expected a valid integer, received True"),
        ("model.dropout=1", "model.dropout: expected less than 1, received 1"),
        ("optimizer=lion", "optimizer: expected 'adam' or 'sgd', received 'lion'"),
        ("learning_rate=.inf", "learning_rate: expected a finite number, received inf"),
        ("model.filters=[8,8,8,8,8]", "model: 5 convolutions of kernel_size 3 with pooling leave nothing"),
        ("epochs", "expected --key value or key=value, received 'epochs' alone"),
        ("epochs=[", "--epochs: not valid YAML"),
    ],
)
def test_a_bad_override_names_key_expectation_and_value(word, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(EXPERIMENTS / "base.yaml", parse_overrides([word]))


def test_a_cycle_of_parents_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("extends: b.yaml\n")
    (tmp_path / "b.yaml").write_text("extends: a.yaml\n")
    with pytest.raises(ConfigError, match="leads back to this file"):
        load(tmp_path / "a.yaml")


def test_a_missing_file_lists_those_there_are():
    with pytest.raises(
        ConfigError, match=r"nope.yaml: cannot be read .* files there: affine.yaml, base.yaml"
    ):
        load(EXPERIMENTS / "nope.yaml")


def test_the_hash_ignores_the_seed_and_nothing_else():
    base = load(EXPERIMENTS / "base.yaml")
    assert load(EXPERIMENTS / "base.yaml", {"seed": 3}).config_hash() == base.config_hash()
    assert load(EXPERIMENTS / "base.yaml", {"epochs": 10}).config_hash() != base.config_hash()
    assert (
        load(EXPERIMENTS / "base.yaml", {"epochs": 10}).config_hash()
        == load(EXPERIMENTS / "epoch.yaml").config_hash()
    )


def test_the_resolved_document_resolves_to_itself(tmp_path):
    settings = load(EXPERIMENTS / "affine.yaml", {"learning_rate": 1e-05})
    (tmp_path / "resolved.yaml").write_text(settings.to_yaml())
    assert load(tmp_path / "resolved.yaml") == settings


def test_the_command_prints_settings_and_ends_mistakes_with_one_line():
    def run(*words):
        command = [sys.executable, "-m", "cifake.config", "experiments/sgd.yaml", *words]
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    good = run("epochs=5")
    assert good.returncode == 0
    assert yaml.safe_load(good.stdout)["epochs"] == 5
    assert yaml.safe_load(good.stdout)["optimizer"] == "sgd"
    bad = run("epoch=5")
    assert bad.returncode == 2
    assert bad.stdout == ""
    assert bad.stderr == "error: experiments/sgd.yaml: unknown setting 'epoch'; did you mean 'epochs'?\n"
