import numpy as np
import pytest
from scipy import stats

from cifake.evaluation import metrics
from cifake.evaluation.metrics import classification_report

# Four FAKE and four REAL images; at 0.5 three FAKE calls are right, one is wrong.
LABELS = np.array([1, 1, 1, 1, 0, 0, 0, 0])
SCORES = np.array([0.9, 0.8, 0.5, 0.3, 0.7, 0.4, 0.2, 0.1], dtype=np.float32)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", 6 / 8),
        ("precision", 3 / 4),
        ("recall", 3 / 4),
        ("f1", 3 / 4),
        ("mcc", (3 * 3 - 1 * 1) / 16),
        ("loss", -np.mean(np.log([0.9, 0.8, 0.5, 0.3, 0.3, 0.6, 0.8, 0.9]))),
        ("brier", np.mean(np.square([0.1, 0.2, 0.5, 0.7, 0.7, 0.4, 0.2, 0.1]))),
        # 13 of the 16 pairs of a FAKE and a REAL image are in the right order
        ("roc_auc", 13 / 16),
        # recall rises by a quarter at ranks 1, 2, 4 and 6
        ("average_precision", (1 / 1 + 2 / 2 + 3 / 4 + 4 / 6) / 4),
    ],
)
def test_values_computed_by_hand(name, expected):
    assert metrics.score(LABELS, SCORES)[name] == pytest.approx(expected, abs=1e-6)


def test_roc_auc_is_the_mann_whitney_statistic():
    random = np.random.default_rng(0)
    labels, scores = random.integers(0, 2, 500), random.random(500).round(2)
    statistic = stats.mannwhitneyu(scores[labels == 1], scores[labels == 0]).statistic
    pairs = (labels == 1).sum() * (labels == 0).sum()
    assert metrics.roc_auc(labels, scores) == pytest.approx(statistic / pairs)


def test_calibration_error_by_hand():
    # bins of 1/15: 0.9 and 0.92 share one (mean score 0.91, half are FAKE), 0.1 is alone
    labels, scores = np.array([1, 0, 0, 0]), np.array([0.91, 0.92, 0.1, 1.0])
    assert metrics.ece(labels, scores) == pytest.approx((abs(1.83 - 1) + 0.1 + 1.0) / 4)
    assert metrics.ece(np.array([1, 0]), np.array([1.0, 0.0])) == 0


def test_half_counts_as_fake():
    assert metrics.decide(np.array([0.49999, 0.5, 0.50001])).tolist() == [0, 1, 1]


def test_a_model_that_never_calls_fake_scores_zero_without_a_warning(recwarn):
    scores = metrics.score(LABELS, np.full(8, 0.1))
    assert scores["precision"] == scores["recall"] == scores["f1"] == scores["mcc"] == 0
    assert not recwarn.list


def test_the_report_names_both_classes_with_support():
    lines = [line.split() for line in classification_report(LABELS, SCORES).splitlines() if line]
    assert lines[1] == ["REAL", "0.7500", "0.7500", "0.7500", "4"]
    assert lines[2] == ["FAKE", "0.7500", "0.7500", "0.7500", "4"]
    assert [line[0] for line in lines[3:]] == ["accuracy", "macro", "weighted"]
