import numpy as np
import pytest
import scipy.stats

from cifake.comparison.comparison import make_comparisons
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.run_store import RunStore
from cifake.comparison.runs import fetch_runs
from cifake.comparison.statistics.influence import ece_bias
from cifake.comparison.statistics.reliability import wilson
from cifake.contract import describe_metric
from tests.support.made_runs import LABELS, log_run, made_scores


def compared_by(metric, uri=None):
    """The metric of all groups, and the groups by name."""
    store = RunStore(uri)
    (comparison,) = make_comparisons(store, fetch_runs(store), describe_metric(f"test/{metric}"))
    return MetricEstimates(comparison, metric), {group.name: group for group in comparison.groups}


def test_groups_of_the_same_models_are_told_to_be_the_same(store):
    for seed in range(3):
        log_run("base", seed, predictions=made_scores(1.0, seed))
        log_run("copy", seed, predictions=made_scores(1.0, seed), params={"workers": 2})
        log_run("near", seed, predictions=made_scores(1.0, seed + 10), params={"workers": 3})
    measured, groups = compared_by("f1")
    same, near = measured.differences([(groups["copy"], groups["base"]), (groups["near"], groups["base"])])
    assert same.same_models
    assert same.tied
    assert (same.estimate.value, same.estimate.low, same.estimate.high) == (0, 0, 0)
    assert (same.adjusted.low, same.adjusted.high, same.adjusted.p) == (0, 0, 1)
    assert not near.same_models
    assert near.estimate.high > near.estimate.low


def test_scores_that_lead_to_the_same_calls_are_not_the_same_models(store):
    for seed in range(3):
        log_run("base", seed, predictions=made_scores(1.0, seed))
        squeezed = 0.5 + 0.9 * (made_scores(1.0, seed) - 0.5)
        log_run("squeezed", seed, predictions=squeezed, params={"workers": 2})
    measured, groups = compared_by("accuracy")
    (difference,) = measured.differences([(groups["squeezed"], groups["base"])])
    assert (difference.estimate.low, difference.estimate.high) == (0, 0)
    assert not difference.same_models


def test_a_best_that_was_chosen_for_its_score_needs_wider_intervals(compared):
    measured, groups = compared_by("f1", compared)
    pairs = [(group, groups["base"]) for group in groups.values()]
    fixed, chosen = measured.differences(pairs), measured.differences(pairs, chosen=True)
    for one, other in zip(fixed, chosen, strict=True):
        if one is not None:
            assert one.estimate == other.estimate
            assert other.adjusted.high > one.adjusted.high > one.estimate.high
            assert other.adjusted.p >= one.adjusted.p
    assert fixed[list(groups).index("sgd")].tied is False
    assert fixed[list(groups).index("val")].tied is True


def test_ranking(compared):
    measured, _ = compared_by("f1", compared)
    ranking = measured.ranking()
    assert {name for name, place in ranking.items() if place.may_be_best} == {"base", "val", "sigmoid"}
    assert (ranking["base"].highest, ranking["base"].lowest) == (1, 3)
    assert (ranking["sgd"].highest, ranking["sgd"].lowest) == (3, 4)
    assert (ranking["sigmoid"].highest, ranking["sigmoid"].lowest) == (1, 4)  # one seed
    lowest_first, _ = compared_by("loss", compared)
    assert lowest_first.ranking()["base"].may_be_best


def test_noise_has_sources_where_there_are_several_seeds(compared):
    measured, groups = compared_by("accuracy", compared)
    noise = measured.noise(groups["base"])
    assert noise.images + noise.seeds + noise.both == pytest.approx(1)
    assert noise.with_any_number < noise.with_one_more_seed < noise.standard_error
    assert measured.noise(groups["sigmoid"]) is None


def test_the_interval_of_the_calibration_error_reaches_below_the_bias(compared):
    measured, groups = compared_by("ece", compared)
    estimate = measured.mean(groups["base"])
    bias = np.mean([ece_bias(LABELS, scores) for scores in groups["base"].scores.values()])
    assert bias > 0.01
    assert estimate.low < estimate.value - bias
    assert estimate.low >= 0


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize(
    ("metric", "called", "interval"),
    [
        ("accuracy", LABELS == 1, (0.98115, 1)),
        ("accuracy", LABELS == 0, (0, 0.01885)),
        ("recall", LABELS == 1, (0.96301, 1)),
        ("precision", (LABELS == 1) & (np.cumsum(LABELS) <= 3), (0.43850, 1)),
        ("precision", LABELS == 2, (0, 1)),
        ("f1", LABELS == 1, (0.98116, 1)),
        ("f1", LABELS == 0, (0, 0.03700)),
        ("mcc", LABELS == 1, (0.96230, 1)),
        ("mcc", LABELS == 0, (-1, -0.96230)),
        ("roc_auc", LABELS == 1, (0.96301, 1)),
        ("roc_auc", LABELS == 0, (0, 0.03699)),
        ("average_precision", LABELS == 1, (0.96301, 1)),
    ],
)
def test_the_best_and_the_worst_value_are_no_certainty(store, seeds, metric, called, interval):
    for seed in range(seeds):
        log_run("base", seed, predictions=np.where(called, 0.99, 0.01))
    measured, groups = compared_by("accuracy")
    mean = MetricEstimates(measured.comparison, metric).mean(groups["base"])
    # Wilson's interval of 0 of n ends at z^2 / (n + z^2); z = 1.95996; n = 200, 100 FAKE, 3 called FAKE.
    # All wrong, 200 are called or labelled FAKE; F1 = 2 J / (1 + J) of the share J that is both.
    assert (mean.low, mean.high) == pytest.approx(interval, abs=1e-5)


def test_a_normal_interval_of_few_mistakes_covers_too_little_and_wilsons_enough():
    """Exact, by the binomial distribution of the right images: 200, of which .985 are right on average."""
    right = np.arange(201)
    chance, share = scipy.stats.binom.pmf(right, 200, 0.985), right / 200
    by_normal = np.abs(share - 0.985) <= 1.96 * np.sqrt(share * (1 - share) / 199)
    ends = np.array([wilson(each, 200, np.inf, 0.95) for each in share])
    by_wilson = (ends[:, 0] <= 0.985) & (ends[:, 1] >= 0.985)
    assert chance @ by_normal == pytest.approx(0.80, abs=0.005)
    assert chance @ by_wilson == pytest.approx(0.97, abs=0.005)
