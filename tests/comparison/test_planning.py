import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.power import TTestPower

from cifake.comparison.statistics.crossed_effects import CrossedEffects, Estimate, Sample
from cifake.comparison.statistics.influence import INFLUENCE
from cifake.comparison.statistics.planning import noise_sources, seeds_needed, smallest_visible, verdict


def estimate(value=0.0, image_variance=0.0, seed_variance=0.0, width=0.0, error=0.0, degrees=0.0, sets=1):
    low, high = value - width, value + width
    return Estimate(value, low, high, 0, degrees, image_variance, seed_variance, 0.95, error, sets)


def test_seeds_needed():
    # t(0.975, R - 1) * 0.01 / sqrt(R) < 0.01 first holds at R = 7: 2.447 / 2.646 = 0.925
    assert seeds_needed(estimate(0.91, 0.0, 1e-4), limit=0.90) == 7
    # with twice the degrees of freedom at R = 6: 2.228 / 2.449 = 0.910
    assert seeds_needed(estimate(0.01, 0.0, 1e-4, sets=2), limit=0.0) == 6
    # among several comparisons, the same where only seeds vary; more where images do, too
    assert seeds_needed(estimate(0.91, 0.0, 1e-4), limit=0.90, together=True) == 7
    alone, together = (seeds_needed(estimate(0.91, 9e-6, 1e-4), 0.90, each) for each in (False, True))
    assert (alone, together) == (8, 9)  # 8: 5.3 %, 9: 4.3 %, integrated over chi squared
    # 1.96 * 0.02 > 0.01: the images alone leave it open
    assert seeds_needed(estimate(0.91, 4e-4, 1e-4), limit=0.90) is None


@pytest.mark.parametrize(
    ("value", "width", "margin", "expected"),
    [
        (0.02, 0.01, 0.0, "better"),
        (-0.02, 0.01, 0.0, "worse"),
        (0.005, 0.01, 0.0, "cannot tell"),
        (0.005, 0.01, 0.02, "equivalent"),
        (0.005, 0.004, 0.01, "equivalent"),
        (0.015, 0.01, 0.02, "better"),
        (0.0, 0.0, 0.0, "equivalent"),
    ],
)
def test_verdict(value, width, margin, expected):
    assert verdict(estimate(value, width=width), margin=margin) == expected
    turned = {"better": "worse", "worse": "better"}.get(expected, expected)
    assert verdict(estimate(value, width=width), higher_is_better=False, margin=margin) == turned


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_smallest_visible_difference_as_statsmodels_has_it(seeds):
    error = 0.02 / np.sqrt(seeds)
    width = scipy.stats.t.ppf(0.975, seeds - 1) * error
    effect = TTestPower().solve_power(nobs=seeds, alpha=0.05, power=0.8)  # in standard deviations
    assert smallest_visible(estimate(0.3, width=width, error=error, degrees=seeds - 1)) == pytest.approx(
        0.02 * effect, rel=1e-3
    )


def test_smallest_visible_difference_of_images_alone():
    found = smallest_visible(estimate(width=1.96 * 0.01, error=0.01, degrees=np.inf))
    assert found == pytest.approx((1.96 + 0.8416) * 0.01, rel=1e-4)
    assert smallest_visible(estimate()) == 0


def test_sources_of_noise_are_a_two_way_analysis_of_variance():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 500)
    margins = (2 * labels - 1) * (1 + 0.2 * rng.normal(size=(4, 1))) + rng.normal(size=500)
    right = (margins + 0.5 * rng.normal(size=(4, 500)) > 0) == labels
    scores = np.where(right, labels, 1 - labels).astype(float)
    values, influence = zip(*(INFLUENCE["accuracy"](labels, each) for each in scores), strict=True)
    crossed = CrossedEffects([Sample(np.array(values), np.array(influence), list("0123"))])
    found = noise_sources(crossed, 0)
    # Mean squares of seeds, images and both, from 4 x 500 right or wrong calls.
    table = right.astype(float)
    of_seeds, of_images = table.mean(1), table.mean(0)
    ms_seeds = 500 * np.var(of_seeds, ddof=1)
    ms_images = 4 * np.var(of_images, ddof=1)
    rest = table - of_seeds[:, None] - of_images + table.mean()
    ms_both = np.sum(rest**2) / (3 * 499)
    parts = np.array([(ms_images - ms_both) / 4 / 500, (ms_seeds - ms_both) / 500, ms_both / 500])
    assert [found.images, found.seeds, found.both] == pytest.approx(list(parts / parts.sum()))
    mean = crossed.mean(0)
    assert found.standard_error == pytest.approx(mean.standard_error)
    assert found.with_any_number**2 == pytest.approx(mean.image_variance)
    assert found.with_one_more_seed == pytest.approx(
        np.sqrt(mean.image_variance + np.var(of_seeds, ddof=1) / 5)
    )


def test_one_seed_shows_no_sources_of_noise():
    crossed = CrossedEffects([Sample(np.array([0.9]), np.ones((1, 4)), ["0"])])
    assert noise_sources(crossed, 0) is None
