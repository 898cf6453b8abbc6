import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from cifake.comparison.statistics.crossed_effects import (
    CrossedEffects,
    Estimate,
    Sample,
    holm,
    mcnemar,
    seeds_needed,
)
from cifake.comparison.statistics.influence import INFLUENCE
from tests.support.simulation import World, rates

RNG = np.random.default_rng(5)
LABELS = RNG.integers(0, 2, 400)


def scores_of(seeds, quality=1.0, n=400):
    """Made-up scores [seeds, n] of models that are right more often than not."""
    margins = (2 * LABELS[:n] - 1) * quality + RNG.normal(size=n) + 0.5 * RNG.normal(size=(seeds, n))
    return 1 / (1 + np.exp(-margins))


def sample(name, scores, seeds=None):
    values, influence = zip(*(INFLUENCE[name](LABELS, of_one) for of_one in scores), strict=True)
    return Sample(np.array(values), np.array(influence), seeds or [str(i) for i in range(len(scores))])


def test_one_seed_is_the_interval_of_a_share():
    scores = scores_of(1)
    estimate = CrossedEffects([sample("accuracy", scores)]).mean(0)
    right = int(((scores[0] >= 0.5) == LABELS).sum())
    low, high = proportion_confint(right, 400, method="normal")
    assert estimate.value == right / 400
    # n - 1 against n in the variance: 0.1 % of the width
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=1e-4)
    assert estimate.seed_variance is None
    assert estimate.degrees_of_freedom == np.inf


def test_two_single_seeds_are_a_paired_test_on_images():
    first, second = scores_of(1), scores_of(1, 0.8)
    crossed = CrossedEffects([sample("brier", first), sample("brier", second)])
    difference = crossed.difference(0, 1)
    errors = [(scores[0] - LABELS) ** 2 for scores in (first, second)]
    reference = scipy.stats.ttest_rel(*errors)
    assert difference.value == pytest.approx(errors[0].mean() - errors[1].mean())
    z = difference.value / np.sqrt(difference.image_variance)
    assert z == pytest.approx(reference.statistic)
    assert difference.p == pytest.approx(2 * scipy.stats.norm.sf(abs(z)))


def test_without_image_effects_it_is_welchs_test_over_seeds():
    values = np.array([0.80, 0.82, 0.83, 0.85, 0.81, 0.84]), np.array([0.78, 0.80, 0.77, 0.82, 0.79, 0.80])
    samples = [Sample(v, np.zeros((6, 50)), [f"{g}{i}" for i in range(6)]) for g, v in enumerate(values)]
    difference = CrossedEffects(samples).difference(0, 1)
    welch = scipy.stats.ttest_ind(*values, equal_var=False)
    assert difference.value / np.sqrt(difference.seed_variance / 6) == pytest.approx(welch.statistic)
    # Welch's refined degrees of freedom, 9.8, against Satterthwaite's 9.8: nearly equal variances
    assert difference.degrees_of_freedom == pytest.approx(welch.df, rel=0.02)
    assert difference.p == pytest.approx(welch.pvalue, rel=0.02)


def test_one_group_without_image_effects_is_the_t_interval():
    values = np.array([0.80, 0.82, 0.87])
    estimate = CrossedEffects([Sample(values, np.zeros((3, 50)), ["0", "1", "2"])], confidence=0.9).mean(0)
    interval = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (estimate.low, estimate.high) == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize("name", ["f1", "precision", "mcc", "roc_auc", "average_precision", "ece"])
def test_image_variance_is_what_resampling_images_gives(name):
    scores = scores_of(1)[0]
    if name == "ece":  # overconfident, so that no bin's gap is near 0, where its sign is chance
        scores = np.where(scores < 0.5, 0.03, 0.97)
    estimate = CrossedEffects([sample(name, scores[None])]).mean(0)
    resampled = []
    for _ in range(1500):
        rows = RNG.integers(0, 400, 400)
        resampled.append(INFLUENCE[name](LABELS[rows], scores[rows])[0])
    assert np.sqrt(estimate.image_variance) == pytest.approx(np.std(resampled), rel=0.12)


def test_resampling_images_of_a_difference_agrees_too():
    first, second = scores_of(2), scores_of(2, 0.9)
    first[1], second[1] = first[0], second[0]  # no seed noise: all is images
    difference = CrossedEffects([sample("f1", first), sample("f1", second, ["8", "9"])]).difference(0, 1)
    resampled = []
    for _ in range(1500):
        rows = RNG.integers(0, 400, 400)
        one, other = (INFLUENCE["f1"](LABELS[rows], scores[0][rows])[0] for scores in (first, second))
        resampled.append(one - other)
    assert difference.seed_variance == 0
    assert np.sqrt(difference.image_variance) == pytest.approx(np.std(resampled), rel=0.1)


def test_delongs_variance_by_its_definition():
    scores = scores_of(1)[0]
    fakes, reals = scores[LABELS == 1], scores[LABELS == 0]
    wins = (fakes[:, None] > reals[None, :]).astype(float)
    delong = wins.mean(1).var(ddof=1) / len(fakes) + wins.mean(0).var(ddof=1) / len(reals)
    estimate = CrossedEffects([sample("roc_auc", scores[None])]).mean(0)
    assert estimate.value == pytest.approx(wins.mean())
    assert estimate.image_variance == pytest.approx(delong, rel=0.01)


def test_the_same_predictions_are_a_tie_with_the_same_and_with_other_seeds():
    scores = scores_of(3)
    for seeds in (["0", "1", "2"], ["7", "8", "9"]):
        difference = CrossedEffects([sample("f1", scores), sample("f1", scores, seeds)]).difference(0, 1)
        assert (difference.value, difference.p) == (0, 1)
        assert difference.high > 0.005  # three seeds do not prove equality
    alone = CrossedEffects([sample("f1", scores[:1]), sample("f1", scores[:1])]).difference(0, 1)
    assert (alone.low, alone.high, alone.p) == (0, 0, 1)


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("noise", [0.3, 3.0])
def test_intervals_cover_and_equal_groups_pass(seeds, noise):
    found = rates(World("accuracy", seeds, noise, images=300), repetitions=2000)
    assert 0.03 <= found["false alarms"] <= 0.07
    assert 0.93 <= found["coverage of a mean"] <= 0.97
    assert 0.93 <= found["coverage of a difference"] <= 0.97


def test_holm_as_statsmodels_has_it():
    p_values = [0.01, 0.04, 0.03, 0.005, 0.5, 0.03]
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_mcnemar_as_statsmodels_has_it():
    first, second = RNG.random(200) < 0.8, RNG.random(200) < 0.7
    table = [[np.sum(first & second), np.sum(first & ~second)], [np.sum(~first & second), 0]]
    assert mcnemar(first, second) == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue)
    assert mcnemar(first, first) == 1


def estimate(value, image_variance, seed_variance):
    return Estimate(value, 0, 0, 0, 0, image_variance, seed_variance, confidence=0.95)


def test_seeds_needed():
    # t(0.975, R - 1) * 0.01 / sqrt(R) < 0.01 first holds at R = 7: 2.447 / 2.646 = 0.925
    assert seeds_needed(estimate(0.91, 0.0, 1e-4), limit=0.90) == 7
    # with twice the degrees of freedom at R = 6: 2.228 / 2.449 = 0.910
    assert seeds_needed(estimate(0.01, 0.0, 1e-4), limit=0.0, groups=2) == 6
    # 1.96 * 0.02 > 0.01: the images alone leave it open
    assert seeds_needed(estimate(0.91, 4e-4, 1e-4), limit=0.90) is None
