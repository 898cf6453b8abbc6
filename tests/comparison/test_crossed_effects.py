from itertools import product

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from cifake.comparison.statistics.crossed_effects import (
    CrossedEffects,
    Sample,
)
from cifake.comparison.statistics.exact_tests import holm, mcnemar
from cifake.comparison.statistics.image_noise import image_covariance
from cifake.comparison.statistics.influence import INFLUENCE
from cifake.comparison.statistics.seed_noise import seed_noise
from tests.support.simulation import Design, World, draw_values, normal_rates, rates

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


def test_seeds_that_tie_by_chance_are_not_certain():
    """Three pairs of models, each with one mistake of 64 more, on another image each time."""
    right = np.ones((3, 64))
    wrong = right.copy()
    wrong[[0, 1, 2], [5, 6, 7]] = 0
    samples = [Sample(each.mean(1), each - each.mean(1)[:, None], ["0", "1", "2"]) for each in (right, wrong)]
    difference = CrossedEffects(samples).difference(1, 0)
    error = (wrong - right).mean(0).std(ddof=1) / 8  # of the mean over the seeds, through the images
    assert difference.value == pytest.approx(-1 / 64)
    assert difference.standard_error == pytest.approx(error)
    assert difference.p == pytest.approx(2 * scipy.stats.norm.sf(1 / 64 / error))
    assert CrossedEffects(samples).mean(1).standard_error == pytest.approx(error)


VALUES = (
    np.array([0.80, 0.82, 0.83, 0.85, 0.81, 0.84]),
    np.array([0.78, 0.80, 0.77, 0.82, 0.79, 0.80]),
)


def test_without_image_effects_it_is_welchs_test_over_seeds():
    samples = [Sample(v, np.zeros((6, 50)), [f"{g}{i}" for i in range(6)]) for g, v in enumerate(VALUES)]
    difference = CrossedEffects(samples).difference(0, 1)
    welch = scipy.stats.ttest_ind(*VALUES, equal_var=False)
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


def test_image_covariances_are_the_means_over_pairs_of_different_seeds():
    names = [["0", "1", "2"], ["2", "0"], ["2"], ["7", "8"], ["2"]]
    influences = [RNG.normal(size=(len(each), 50)) for each in names]
    covariance, of_one_seed = image_covariance(influences, names)
    for a, b in product(range(5), repeat=2):
        pairs = list(product(range(len(names[a])), range(len(names[b]))))
        apart = [(i, j) for i, j in pairs if names[a][i] != names[b][j]] or pairs
        terms = [influences[a][i] @ influences[b][j] / (50 * 49) for i, j in apart]
        assert covariance[a, b] == pytest.approx(np.mean(terms), abs=1e-12)
    assert of_one_seed[1] == pytest.approx((influences[1] ** 2).sum(1).mean() / (50 * 49))


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


@pytest.mark.parametrize("name", INFLUENCE)
def test_the_same_models_differ_by_exactly_0(name):
    scores = scores_of(3)
    turned = sample(name, scores[::-1], ["2", "1", "0"])  # in another order
    others = [sample(name, scores_of(4, 0.8)), turned, sample(name, scores_of(2), ["1", "9"])]
    difference = CrossedEffects([sample(name, scores), *others]).difference(0, 2)
    assert (difference.value, difference.low, difference.high, difference.p) == (0, 0, 0, 1)
    alone = CrossedEffects([sample(name, scores[:1]), sample(name, scores[:1])]).difference(0, 1)
    assert (alone.low, alone.high, alone.p) == (0, 0, 1)


def test_the_same_predictions_of_other_seeds_are_a_tie_and_no_proof():
    scores = scores_of(3)
    parts = [sample("f1", scores), sample("f1", scores, ["7", "8", "9"])]
    difference = CrossedEffects(parts).difference(0, 1)
    assert (difference.value, difference.p) == (0, 1)
    assert difference.high > 0.005  # three seeds do not prove equality
    assert difference.seed_sets == 2


def test_common_seeds_without_image_effects_are_the_paired_t_test():
    first, second = VALUES
    samples = [Sample(v, np.zeros((6, 50)), [str(i) for i in range(6)]) for v in VALUES]
    difference = CrossedEffects(samples).difference(0, 1)
    reference = scipy.stats.ttest_rel(first, second)
    assert difference.value / difference.standard_error == pytest.approx(reference.statistic)
    assert difference.degrees_of_freedom == pytest.approx(5)
    assert difference.p == pytest.approx(reference.pvalue)
    assert difference.seed_variance == pytest.approx(np.var(first - second, ddof=1))
    assert difference.seed_sets == 1


def test_seeds_are_paired_by_name_and_not_by_order():
    first, second = VALUES
    images = np.zeros((6, 50))
    turned = Sample(second[::-1], images, ["5", "4", "3", "2", "1", "0"])
    difference = CrossedEffects([Sample(first, images, list("012345")), turned]).difference(0, 1)
    assert difference.p == pytest.approx(scipy.stats.ttest_rel(first, second).pvalue)


def test_one_seed_in_common_pairs_nothing():
    images = np.zeros((6, 50))
    apart = [Sample(v, images, [f"{g}{i}" for i in range(6)]) for g, v in enumerate(VALUES)]
    shares = [apart[0], Sample(VALUES[1], images, ["00", *apart[1].seeds[1:]])]
    assert CrossedEffects(shares).difference(0, 1) == CrossedEffects(apart).difference(0, 1)


def test_the_variance_with_partly_common_seeds_is_right_on_average():
    """Simulated with known variances: the estimated variance is right on average."""
    design = Design(seeds=6, noise=2.0, common=4, correlation=0.8, ratio=2.0)
    values, present, _, images = draw_values(design, 2, 20000, np.random.default_rng(3))
    noise, degrees, _ = seed_noise(values, present)
    seeds_alone = ((values - images[..., None]) * present).sum(-1) / 6
    assert noise[:, 0, 1].mean() == pytest.approx(np.var(seeds_alone[:, 0] - seeds_alone[:, 1]), rel=0.03)
    # 4 (of 6) seeds share 0.8 of their effects: (2^2 + 4^2) / 6 - 2 * 4 / 36 * 0.8 * 2 * 4
    assert noise[:, 0, 1].mean() == pytest.approx(20 / 6 - 8 / 36 * 6.4, rel=0.02)
    assert np.all((degrees[:, 0, 1] >= 5) & (degrees[:, 0, 1] <= 10))


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("noise", [0.3, 3.0])
def test_intervals_cover_and_equal_groups_pass(seeds, noise):
    found = rates(World("accuracy", Design(seeds, noise), images=300), repetitions=2000)
    assert 0.03 <= found["false alarms"] <= 0.07
    assert 0.93 <= found["coverage of a mean"] <= 0.97
    assert 0.93 <= found["coverage of a difference"] <= 0.97


@pytest.mark.parametrize("metric", ["f1", "roc_auc"])
@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_intervals_of_groups_with_common_seeds_cover(metric, correlation):
    design = Design(seeds=5, noise=1.0, common=5, correlation=correlation, ratio=2.0)
    found = rates(World(metric, design), repetitions=800)
    assert 0.03 <= found["false alarms"] <= 0.07
    assert 0.93 <= found["coverage of a difference"] <= 0.97


@pytest.mark.parametrize("seeds", [3, 5, 10])
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("ratio", [1.0, 3.0])
@pytest.mark.parametrize("noise", [0.3, 3.0])
def test_false_alarms_with_common_seeds(seeds, correlation, ratio, noise):
    design = Design(seeds, noise, seeds, correlation, ratio)
    alarms, width = normal_rates(design, repetitions=10000)
    assert 0.03 <= alarms <= 0.07
    assert width < 1.3


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("noise", [0.3, 3.0])
def test_false_alarms_with_partly_common_seeds(correlation, noise):
    alarms, width = normal_rates(Design(5, noise, 3, correlation), repetitions=10000)
    assert 0.03 <= alarms <= 0.07
    assert width < 1.1


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
