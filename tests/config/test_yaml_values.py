"""YAML as people mean it, not as YAML 1.1 reads it."""

import math
import re

import pytest

from cifake.config.load import load
from cifake.config.yaml_values import parse_yaml
from cifake.core.errors import ConfigError
from tests.support.project import EXPERIMENTS, overrides


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10), ("09", 9), ("-010", -10), ("+3", 3), ("0", 0), ("1_000", 1000), ("1e-3", 0.001),
        ("1E3", 1000.0), (".5e-3", 0.0005), ("1.", 1.0), ("1_0.5", 10.5), ("-.inf", -math.inf), ("=", "="),
        ("1:30", "1:30"), ("1:30.5", "1:30.5"), ("0x10", "0x10"), ("2024-13-45", "2024-13-45"),
        ("1,5", "1,5"), ("yes", True), ("off", False), ("True", True), ("y", "y"), ("null", None),
        ("[010, 1_6]", [10, 16]), ("{on: 1, 010: 2}", {"on": 1, "010": 2}), ("'010'", "010"),
    ],
)  # fmt: skip
def test_a_value_is_what_a_person_means(text, value):
    found = parse_yaml(text, "here")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("epochs=1:30", "epochs: expected a valid integer, received '1:30'"),
        ("seed=2024-13-45", "seed: expected a valid integer, received '2024-13-45'"),
        ("epochs=!!int ten", "--epochs: not valid YAML (invalid literal for int() with base 10: 'ten')"),
        (f"epochs={'[' * 3000}", "--epochs: not valid YAML (maximum recursion depth exceeded"),
        ("model={filters: [8], filters: [16]}", "--model: line 1: 'filters' is given already, in line 1"),
    ],
)
def test_a_value_that_no_setting_takes_is_one_line(word, message):
    with pytest.raises(ConfigError, match=re.escape(message)) as raised:
        load(EXPERIMENTS / "base.yaml", overrides(word))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs: 3\nsplit: small\nepochs: 5\n", "line 4: 'epochs' is given already, in line 2; remove one"),
        ("epochs: 3\n'epochs': 5\n", "line 3: 'epochs' is given already, in line 2"),
        ("model:\n  dense: [8]\n  dropout: 0.1\n  dense: [16]\n", "line 5: 'dense' is given already"),
        ("search:\n  model.dense: {type: int, min: 1, max: 2}\n  model.dense: {type: int, min: 1, max: 3}\n",
         "line 4: 'model.dense' is given already, in line 3"),
    ],
)  # fmt: skip
def test_a_key_that_is_given_twice_is_refused_with_its_lines(tmp_path, text, message):
    (tmp_path / "v.yaml").write_text(f"extends: {EXPERIMENTS / 'base.yaml'}\n{text}")
    with pytest.raises(ConfigError, match=re.escape(f"v.yaml: {message}")):
        load(tmp_path / "v.yaml")


def test_a_key_may_replace_one_that_is_merged(tmp_path):
    text = "model:\n  <<: {dropout: 0.25, dense: [8]}\n  dense: [16]\n"
    (tmp_path / "v.yaml").write_text(f"\ufeffextends: {EXPERIMENTS / 'base.yaml'}\n{text}", "utf-8")
    model = load(tmp_path / "v.yaml").model
    assert (model.dropout, model.dense) == (0.25, [16])
