"""The run contract: what is declared of each metric, and that writers and readers agree on it."""

import pytest

from cifake.contract import (
    KINDS,
    OF_PREDICTIONS,
    PERTURBATIONS,
    describe_metric,
    higher_is_better,
    line_of,
    setting_text,
)
from cifake.evaluation.metrics import FUNCTIONS
from cifake.robustness.perturbations import CHANGES


@pytest.mark.parametrize(
    ("key", "title", "higher", "form"),
    [
        ("test/f1", "F1", True, ".4f"),
        ("val/loss", "loss", False, ".4f"),
        ("best/val_loss", "loss", False, ".4f"),
        ("robust/pgd_2/accuracy", "accuracy", True, ".4f"),
        ("robust/pgd_2/fake_share", "share called FAKE", None, ".4f"),
        ("robust/doubts", "doubts", False, ".0f"),
        ("search/failed_trials", "failed trials", False, ".0f"),
        ("search/best_score", "best score", None, ".4f"),
        ("explain/border_share", "heat on the border", None, ".4f"),
        ("cost/parameters", "parameters", False, ",.0f"),
        ("best_epoch", "best epoch", None, ".0f"),
        ("mine/f1", "mine/f1", None, ".4g"),
        ("robust/f1", "robust/f1", None, ".4g"),
    ],
)
def test_title_direction_and_format_of_a_key(key, title, higher, form):
    metric = describe_metric(key)
    assert (metric.key, metric.title, metric.higher_is_better, metric.form) == (key, title, higher, form)


def test_a_direction_that_is_not_known_is_no_direction():
    assert higher_is_better("val/accuracy") is True
    with pytest.raises(ValueError, match="expected a metric with a direction, received search/best_score"):
        higher_is_better("search/best_score")


def test_every_declared_metric_of_predictions_is_computed_and_no_other():
    assert list(FUNCTIONS) == list(OF_PREDICTIONS)


def test_every_perturbation_is_declared():
    assert {*CHANGES, "fgsm", "pgd"} == set(KINDS)
    for kind, declared in KINDS.items():
        steps = [declared.step(strength) for strength in declared.strengths]
        assert steps == sorted(set(steps) - {0}), kind  # told apart, also from undisturbed images
    assert len(PERTURBATIONS) == 30
    assert PERTURBATIONS[:3] == ("clean", "jpeg_90", "jpeg_75")


@pytest.mark.parametrize(
    ("typed", "logged"),
    [
        ("[64,64]", "[64, 64]"),
        ("[relu,tanh]", "['relu', 'tanh']"),
        ("1e-3", "0.001"),
        ("1", "1.0"),
        ("true", "True"),
        ("null", "None"),
        ("adam", "adam"),
        ("[half", "[half"),
        ("'[64,64]'", "[64, 64]"),
        ("'a b'", "a b"),
        ("'half", "'half"),
    ],
)
def test_a_setting_has_one_text_however_it_was_typed(typed, logged):
    assert setting_text(typed) == setting_text(logged)
    assert setting_text("[8, 8]") != setting_text("[8, 16]")


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("robust/pgd_2/accuracy", ("robust/pgd/accuracy", 2)),
        ("robust/jpeg_90/f1", ("robust/jpeg/f1", 10)),
        ("robust/blur_0.5/accuracy", ("robust/blur/accuracy", 5)),
        ("robust/noise_0.1/roc_auc", ("robust/noise/roc_auc", 26)),
        ("robust/resize_0.75/accuracy", ("robust/resize/accuracy", 25)),
        ("robust/contrast_0.7/accuracy", ("robust/contrast/accuracy", -30)),
        ("robust/clean/accuracy", None),
        ("robust/pgd_3/accuracy", None),
        ("robust/pgd/accuracy", None),
        ("robust/images", None),
        ("test/f1", None),
    ],
)
def test_a_perturbation_is_a_step_of_its_kinds_line(key, line):
    assert line_of(key) == line
