import numpy as np
import pytest
import scipy.stats

from cifake.comparison.statistics.sequential import boundaries, chance_of_telling, look_levels
from tests.support.simulation import Design, looking


@pytest.mark.parametrize(
    ("looks", "published"),  # Lan and DeMets' program, two-sided 5 % (R package ldbounds)
    [
        (2, [2.9626, 1.9686]),
        (3, [3.7103, 2.5114, 1.9930]),
        (5, [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
    ],
)
def test_boundaries_are_the_published_ones(looks, published):
    found = boundaries(np.arange(1, looks + 1) / looks)
    assert found == pytest.approx(published, abs=2e-4)


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_all_looks_together_spend_alpha(alpha):
    """By the distribution of all looks' deviates together, which is normal."""
    fractions = np.array([0.3, 0.5, 1.0])
    correlation = np.sqrt(np.minimum.outer(fractions, fractions) / np.maximum.outer(fractions, fractions))
    for looks in (1, 2, 3):  # 4 (1 - N(N^-1(1 - alpha/4) / root t)), of Lan and DeMets
        bounds = boundaries(fractions, alpha)[:looks]
        marginal = scipy.stats.multivariate_normal(cov=correlation[:looks, :looks], seed=1)
        spent = 4 * scipy.stats.norm.sf(scipy.stats.norm.isf(alpha / 4) / np.sqrt(fractions[looks - 1]))
        assert 1 - marginal.cdf(bounds, lower_limit=-bounds) == pytest.approx(spent, abs=1e-4)


def test_one_look_is_the_plain_interval():
    assert look_levels([5]) == pytest.approx([0.95])
    assert look_levels([3, 5, 10], 0.9)[-1] == pytest.approx(0.90355, abs=1e-5)  # earlier looks cost little


@pytest.mark.parametrize("design", [
    Design(10, 0.3, 10, 0.5), Design(10, 3.0, 10, 0.5), Design(10, 1.0, 10), Design(10, 3.0, 0),
    Design(5, 1.0, 5, 0.5), Design(20, 1.0, 20, 0.5),
])  # fmt: skip
def test_false_alarms_over_all_looks(design):
    alarms, _ = looking(design, range(3, design.seeds + 1), repetitions=10000)
    assert 0.03 <= alarms <= 0.07


def test_a_large_difference_needs_few_looks():
    design = Design(10, 1.0, 10, 0.5)
    called, seeds = looking(design, range(3, 11), 2000, difference=6.0)
    assert called > 0.99
    assert seeds < 6


def test_no_difference_is_given_up_early_without_losing_a_small_one():
    design = Design(10, 1.0, 10, 0.5)
    _, seeds = looking(design, range(3, 11), 5000)
    assert seeds < 6
    found, _ = looking(design, range(3, 11), 5000, difference=1.5)
    at_end, _ = looking(design, [10], 5000, difference=1.5)
    assert found > at_end - 0.06


def test_the_chance_of_telling_is_that_of_drawn_seeds():
    """With many seeds, so that their variance is known: later seeds drawn around those there are."""
    seeds, most, mean, deviation = 200, 400, 0.15, 1.0
    later = np.random.default_rng(0).normal(mean, deviation * np.sqrt(1 / seeds), 100_000)  # of a true value
    rest = later + np.random.default_rng(1).normal(size=100_000) * deviation / np.sqrt(most - seeds)
    last = (seeds * mean + (most - seeds) * rest) / most
    width = 1.966 * np.sqrt(0.002 + deviation**2 / most)
    chance = chance_of_telling(mean, 0.002, deviation**2, 1, seeds, most, 0.95)
    assert chance == pytest.approx(np.mean(np.abs(last) > width), abs=0.01)


@pytest.mark.parametrize(("distance", "chance"), [(0.0, 0.0), (0.3, 1.0)])
def test_without_seed_noise_more_seeds_change_nothing(distance, chance):
    assert chance_of_telling(distance, 0.01, 0.0, 1, 3, 10, 0.95) == chance
