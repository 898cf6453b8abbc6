import numpy as np
import pytest
import statsmodels.stats.proportion

from cifake.comparison.statistics.reliability import reliability


def test_bins_are_those_of_the_calibration_error_and_one_seed_has_wilson_s_interval():
    scores = np.repeat([0.1, 0.9], 300)
    labels = np.concatenate([np.arange(300) < 30, np.arange(300) < 300]).astype(np.int8)
    low, high = reliability(labels, {"0": scores})
    assert (low.score, low.share, high.score, high.share) == pytest.approx((0.1, 0.1, 0.9, 1.0))
    wilson = statsmodels.stats.proportion.proportion_confint(30, 300, method="wilson")
    assert (low.low, low.high) == pytest.approx(wilson, abs=2e-4)
    assert (high.low, high.high) == pytest.approx(
        statsmodels.stats.proportion.proportion_confint(300, 300, method="wilson")
    )


@pytest.mark.parametrize("seeds", [1, 3])
def test_intervals_of_calibrated_scores_hold_the_true_share(seeds):
    """Seeds whose scores are alike, and right on average: a share's truth is the mean probability."""
    rng = np.random.default_rng(0)
    held, bins = 0, 0
    for _ in range(150):
        chances = rng.beta(0.5, 0.5, 800)
        labels = (rng.random(800) < chances).astype(np.int8)
        noise = 0.2 if seeds > 1 else 0.0
        logits = np.log(chances / (1 - chances))
        scores = {str(s): 1 / (1 + np.exp(-logits - noise * rng.normal(size=800))) for s in range(seeds)}
        inside = [np.minimum((each * 15).astype(int), 14) for each in scores.values()]
        for each in reliability(labels, scores):
            number = int(each.score * 15)
            truth = np.mean(
                [chances[of_seed == number].mean() for of_seed in inside if (of_seed == number).any()]
            )
            held += each.low <= truth <= each.high
            bins += 1
    assert 0.93 <= held / bins <= 0.985
