from itertools import combinations

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.multitest import multipletests

from cifake.comparison.statistics.behrens_fisher import half_width, p_value
from cifake.comparison.statistics.crossed_effects import CrossedEffects, Sample
from cifake.comparison.statistics.ranking import rank
from cifake.comparison.statistics.simultaneous import adjust, largest_deviates, simultaneous
from tests.support.simulation import Design, World, any_false_call

RNG = np.random.default_rng(6)


def samples_of(qualities, seeds=5, images=400, noise=0.01):
    """Groups whose metric is a mean over images, with common seeds."""
    shared = RNG.normal(0, 0.5, images)
    samples = []
    for quality in qualities:
        terms = quality + shared + RNG.normal(0, 0.2, images) + noise * RNG.normal(size=(seeds, 1))
        values = terms.mean(1)
        samples.append(Sample(values, terms - values[:, None], [str(seed) for seed in range(seeds)]))
    return samples


def groups_of(qualities):
    return CrossedEffects(samples_of(qualities))


def test_dunnetts_test_is_what_equal_variances_give():
    """Four equal groups against a fifth, of 200 seeds, without images: Dunnett's critical value."""
    samples = [RNG.normal(size=200) for _ in range(5)]
    covariance = np.diag(np.full(5, 1 / 200))
    family = np.array([(group, 0) for group in range(1, 5)])
    found = scipy.stats.dunnett(*samples[1:], control=samples[0])
    p_values = 2 * scipy.stats.norm.sf(np.abs(found.statistic))
    adjusted, level = adjust(p_values, largest_deviates(covariance, family), len(family))
    assert adjusted == pytest.approx(found.pvalue, abs=0.015)
    critical = scipy.stats.norm.ppf((1 + level) / 2)
    assert critical == pytest.approx(2.442, abs=0.02)  # Dunnett 1964: 4 comparisons, infinite df


def test_tukeys_test_is_what_all_pairs_give():
    family = np.array(list(combinations(range(6), 2)))
    _, level = adjust(np.ones(15), largest_deviates(np.eye(6), family), 15)
    critical = scipy.stats.norm.ppf((1 + level) / 2)
    assert critical == pytest.approx(scipy.stats.studentized_range.ppf(0.95, 6, 1e6) / np.sqrt(2), abs=0.02)


@pytest.mark.parametrize("comparisons", [1, 4, 20, 190])
def test_never_more_than_bonferroni(comparisons):
    covariance = 0.2 * np.eye(comparisons + 1) + RNG.random((comparisons + 1, 3)) @ RNG.random(
        (3, comparisons + 1)
    )
    covariance = covariance @ covariance.T
    family = np.array([(group, 0) for group in range(1, comparisons + 1)])
    p_values = 10 ** RNG.uniform(-8, 0, comparisons)
    adjusted, level = adjust(p_values, largest_deviates(covariance, family), len(family))
    assert np.all(adjusted <= multipletests(p_values, method="bonferroni")[1] + 1e-12)
    assert np.all(adjusted >= np.minimum(p_values, 0.99) - 1e-3)
    assert 0.949 <= level <= 1 - 0.05 / comparisons


def test_a_row_is_different_exactly_where_its_interval_leaves_out_0():
    crossed = groups_of(RNG.normal(0.8, 0.08, 20))
    pairs = np.array(list(combinations(range(20), 2)))
    found = simultaneous(crossed, pairs)
    different = [estimate.p <= 0.05 for estimate in found]
    assert different == [not estimate.low <= 0 <= estimate.high for estimate in found]
    assert 20 < sum(different) < 170
    for (first, second), estimate in zip(pairs, found, strict=True):
        own = crossed.difference(first, second)
        assert estimate.high - estimate.low > own.high - own.low
        assert estimate.p >= own.p


def test_chosen_pairs_are_adjusted_for_all_pairs():
    crossed = groups_of([0.80, 0.82, 0.81, 0.83])
    pairs = np.array(list(combinations(range(4), 2)))
    assert simultaneous(crossed, pairs[:2], chosen=True) == simultaneous(crossed, pairs)[:2]


def test_one_comparison_is_its_own_interval():
    crossed = groups_of([0.8, 0.82])
    assert simultaneous(crossed, np.array([(0, 1)])) == [crossed.difference(0, 1)]
    assert simultaneous(crossed, np.zeros((0, 2), int)) == []


def test_the_same_models_stay_equal_and_are_no_comparison():
    first, second, third = samples_of([0.8, 0.82, 0.81])
    pairs = np.array([(0, 1), (1, 3), (2, 0)])
    found = simultaneous(CrossedEffects([first, second, third, second]), pairs)
    without = simultaneous(CrossedEffects([first, second, third]), pairs[[0, 2]])
    assert found[0].high == pytest.approx(without[0].high, rel=0.05)  # other draws
    assert (found[1].low, found[1].high, found[1].p) == (0, 0, 1)


@pytest.mark.parametrize("degrees", [1.0, 2.0, 3.7, 9.0])
@pytest.mark.parametrize("p", [0.05, 1e-3, 1e-5])
def test_without_images_tails_are_those_of_t(degrees, p):
    t = scipy.stats.t.ppf(1 - p / 2, degrees)
    nothing, one, of_seeds = np.zeros(1), np.ones(1), np.full(1, degrees)
    assert p_value(np.array([t]), nothing, one, of_seeds) == pytest.approx(p, rel=0.01)
    assert half_width(p, nothing, one, of_seeds) == pytest.approx(t, rel=0.01)
    normal = scipy.stats.norm.ppf(1 - p / 2)
    assert half_width(p, one, nothing, np.array([np.inf])) == pytest.approx(normal, rel=1e-4)


def test_tails_of_both_are_those_of_their_sum():
    drawn = 1.5 * RNG.standard_t(3, 1_000_000) + RNG.normal(size=1_000_000)
    args = np.ones(1), np.full(1, 2.25), np.full(1, 3.0)
    assert p_value(np.array([8.0]), *args) == pytest.approx(np.mean(np.abs(drawn) > 8), rel=0.03)
    assert half_width(0.01, *args) == pytest.approx(np.quantile(np.abs(drawn), 0.99), rel=0.02)


@pytest.mark.parametrize("groups", [5, 21])
@pytest.mark.parametrize("against", ["first", "best"])
@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_any_false_call_among_ties(groups, against, correlation):
    design = Design(seeds=5, noise=3.0, common=5, correlation=correlation)
    rate = any_false_call(design, groups, 600, against)
    assert rate <= 0.07
    if against == "first":
        assert rate >= 0.03


def test_few_images_on_which_seeds_tie_give_no_false_calls():
    """Twelve equal groups of three seeds on 256 images, four fifths of whose mistakes they share."""
    rng = np.random.default_rng(3)
    called = 0
    for _ in range(200):
        hard = rng.random(256) < 0.024
        samples = []
        for _ in range(12):
            right = 1.0 - np.where(hard, rng.random((3, 256)) < 0.9, rng.random((3, 256)) < 0.006)
            values = right.mean(1)
            samples.append(Sample(values, right - values[:, None], ["0", "1", "2"]))
        pairs = np.array([(group, 0) for group in range(1, 12)])
        called += any(not each.low <= 0 <= each.high for each in simultaneous(CrossedEffects(samples), pairs))
    assert called / 200 <= 0.05  # 0.12 where images on which all seeds tie count as certain


def test_the_best_set_and_ranks():
    crossed = groups_of([0.80, 0.90, 0.901, 0.70])
    ranges = rank(crossed)
    assert [each.may_be_best for each in ranges] == [False, True, True, False]
    assert [(each.highest, each.lowest) for each in ranges] == [(3, 3), (1, 2), (1, 2), (4, 4)]
    assert [each.may_be_best for each in rank(crossed, higher_is_better=False)] == [False] * 3 + [True]
    (alone,) = rank(groups_of([0.8]))
    assert (alone.may_be_best, alone.highest, alone.lowest) == (True, 1, 1)


@pytest.mark.parametrize("qualities", [(0.9,) * 5, (0.9, 0.9, 0.8, 0.8, 0.7)])
def test_the_best_set_holds_the_best_and_ranks_the_true_ones(qualities):
    rng = np.random.default_rng(8)
    world = World("accuracy", Design(seeds=4, noise=1.0, common=4, correlation=0.5), images=300)
    best = ranked = 0
    for _ in range(400):
        ranges = rank(CrossedEffects(world.draw(rng, qualities)))
        best += ranges[0].may_be_best
        ranked += all(
            each.highest <= 1 + sum(other > own for other in qualities)
            and each.lowest >= len(qualities) - sum(other < own for other in qualities)
            for each, own in zip(ranges, qualities, strict=True)
        )
    assert best / 400 >= 0.93
    assert ranked / 400 >= 0.93
