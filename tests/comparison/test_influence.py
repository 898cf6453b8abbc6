import numpy as np
import pytest
import sklearn.metrics

from cifake.comparison.statistics.influence import INFLUENCE, ece_bias
from cifake.contract import OF_PREDICTIONS
from cifake.evaluation.metrics import FUNCTIONS, decide, ece

WEIGHTED = {
    "accuracy": lambda y, s, w: sklearn.metrics.accuracy_score(y, decide(s), sample_weight=w),
    "precision": lambda y, s, w: sklearn.metrics.precision_score(y, decide(s), sample_weight=w),
    "recall": lambda y, s, w: sklearn.metrics.recall_score(y, decide(s), sample_weight=w),
    "f1": lambda y, s, w: sklearn.metrics.f1_score(y, decide(s), sample_weight=w),
    "mcc": lambda y, s, w: sklearn.metrics.matthews_corrcoef(y, decide(s), sample_weight=w),
    "loss": lambda y, s, w: sklearn.metrics.log_loss(y, s, sample_weight=w),
    "brier": lambda y, s, w: sklearn.metrics.brier_score_loss(y, s, sample_weight=w),
    "roc_auc": lambda y, s, w: sklearn.metrics.roc_auc_score(y, s, sample_weight=w),
    "average_precision": lambda y, s, w: sklearn.metrics.average_precision_score(y, s, sample_weight=w),
}


def made_up(n=300, ties=False):
    """Labels and scores that tell something, with equal scores where ties are wanted."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, n)
    scores = 1 / (1 + np.exp(-rng.normal(2.0 * labels - 0.7, 1.5)))
    return labels, np.round(scores, 1) if ties else scores


def test_there_is_one_for_every_prediction_metric():
    assert list(INFLUENCE) != []
    assert set(INFLUENCE) == set(OF_PREDICTIONS)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("name", OF_PREDICTIONS)
def test_values_are_those_of_the_metric(name, ties):
    labels, scores = made_up(ties=ties)
    if ties and name == "loss":
        scores = np.clip(scores, 0.05, 0.95)
    value, influence = INFLUENCE[name](labels, scores)
    assert value == pytest.approx(FUNCTIONS[name](labels, scores), abs=1e-12)
    assert influence.mean() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("name", WEIGHTED)
def test_influence_is_the_derivative_by_an_images_weight(name, ties):
    labels, scores = made_up(60, ties)
    scores = np.clip(scores, 0.05, 0.95)
    step, slopes = 1e-5, []
    for image in range(60):
        up, down = np.ones(60), np.ones(60)
        up[image] += step
        down[image] -= step
        slopes.append((WEIGHTED[name](labels, scores, up) - WEIGHTED[name](labels, scores, down)) / step / 2)
    assert INFLUENCE[name](labels, scores)[1] == pytest.approx(60 * np.array(slopes), abs=1e-6)


def test_influence_on_the_calibration_error_is_what_leaving_an_image_out_does():
    labels, scores = made_up(3000)
    value, influence = INFLUENCE["ece"](labels, scores)
    left_out = [ece(np.delete(labels, i), np.delete(scores, i)) for i in range(20)]
    assert (value - np.array(left_out)) * 2999 == pytest.approx(influence[:20], abs=1e-3)


@pytest.mark.parametrize(("slope", "truth"), [(1.0, 0.0), (0.9, 0.0142), (0.5, 0.1015)])
@pytest.mark.parametrize("images", [1000, 10000])
def test_the_interval_of_the_calibration_error_holds_for_calibrated_models_too(slope, truth, images):
    """Logits are slope times as large as they should be; 0.9 is within the noise of 1,000 images."""
    rng = np.random.default_rng(4)
    held = without_bias = 0
    for _ in range(400):
        logits = rng.normal(0, 3, images)
        scores = 1 / (1 + np.exp(-logits))
        labels = (rng.random(images) < 1 / (1 + np.exp(-slope * logits))).astype(int)
        value, influence = INFLUENCE["ece"](labels, scores)
        width = 1.96 * influence.std() / np.sqrt(images)
        held += max(value - width - ece_bias(labels, scores), 0) <= truth <= value + width
        without_bias += max(value - width, 0) <= truth <= value + width
    assert held / 400 >= 0.93
    if slope == 1:
        assert without_bias / 400 < 0.1


def test_noise_adds_nothing_to_a_calibration_error_that_is_significant():
    labels = np.tile([0, 1, 1, 1], 2500)
    assert ece_bias(labels, np.full(10000, 0.2)) < 1e-9
    # One bin: 0.8 of the standard error sqrt(0.25 * 0.75 / 10,000)
    assert ece_bias(labels, np.full(10000, 0.75)) == pytest.approx(0.798 * 0.00433, rel=1e-3)


@pytest.mark.parametrize("name", ["precision", "f1", "mcc"])
def test_a_model_that_calls_nothing_fake_has_no_influence(name):
    value, influence = INFLUENCE[name](np.array([0, 1, 1]), np.array([0.1, 0.2, 0.3]))
    assert (value, *influence) == (0, 0, 0, 0)
