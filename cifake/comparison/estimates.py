"""A metric of all groups of a comparison, on all test images or some, with intervals and tests."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cifake.comparison.comparison import Comparison
from cifake.comparison.groups import Group
from cifake.comparison.statistics.crossed_effects import CrossedEffects, Estimate, Sample
from cifake.comparison.statistics.exact_tests import holm, mcnemar
from cifake.comparison.statistics.influence import INFLUENCE, ece_bias
from cifake.comparison.statistics.planning import NoiseSources, noise_sources
from cifake.comparison.statistics.ranking import RankRange, rank
from cifake.comparison.statistics.reliability import wilson
from cifake.comparison.statistics.simultaneous import simultaneous
from cifake.contract import describe_metric, higher_is_better
from cifake.evaluation.metrics import decide

Pairs = list[tuple[Group, Group]]
DECISIONS = ("accuracy", "precision", "recall", "f1")  # metrics of calls, not of scores
# Of how many images a metric is a share where it is as good or as bad as can be, by labels and calls, int8
# [n]. ROC AUC is the share of ordered pairs of a FAKE and a REAL image, of which as many as the rarer label
# has are independent. Average precision is a mean over FAKE images of values between 0 and 1, which vary at
# most as those of a share.
SHARES: dict[str, Callable[[np.ndarray, np.ndarray], int]] = {
    "accuracy": lambda labels, calls: len(labels),
    "recall": lambda labels, calls: int(np.count_nonzero(labels)),
    "precision": lambda labels, calls: int(np.count_nonzero(calls)),
    "f1": lambda labels, calls: int(np.count_nonzero(calls | labels)),
    "mcc": lambda labels, calls: 2 * _rarer(labels),
    "roc_auc": lambda labels, calls: _rarer(labels),
    "average_precision": lambda labels, calls: int(np.count_nonzero(labels)),
}
PLAIN_SHARES = ("accuracy", "precision", "recall")
FEW = 10  # images, right or wrong; with fewer a normal interval covers too little
# Metrics that are not the share itself. F1's is of the images called or labelled FAKE those that are both.
BY_SHARE: dict[str, Callable[[float], float]] = {
    "f1": lambda share: 2 * share / (1 + share),
    "mcc": lambda share: 2 * share - 1,
}


@dataclass(frozen=True)
class Difference:
    """How a group differs from another on the same images.

    Attributes:
        estimate: the group less the other, with its interval and its own p-value.
        adjusted: the same with the interval and the p-value that hold for all comparisons made together;
            its confidence is the level that each interval needs for that.
        mcnemar_p: exact, adjusted; only for accuracy with one seed on each side.
        same_models: whether both groups' models score every image alike, seed by seed.
    """

    estimate: Estimate
    adjusted: Estimate
    mcnemar_p: float | None
    same_models: bool

    @property
    def one_seed(self) -> bool:
        """Whether a side has one seed, so that the intervals are of the images alone and decide nothing."""
        return self.adjusted.seed_variance is None and not self.same_models

    @property
    def unknown(self) -> bool:
        """Whether different models are equal on these images without variance, as where all are perfect."""
        return self.adjusted.value == self.adjusted.standard_error == 0 and not self.same_models

    @property
    def tied(self) -> bool:
        """Whether it is left open that there is no difference."""
        return self.one_seed or self.unknown or self.adjusted.low <= 0 <= self.adjusted.high


class MetricEstimates:
    """A metric of every group that has usable predictions.

    Args:
        comparison: the groups.
        name: a prediction metric: ``f1``.
        images: bool [n], which test images count; None counts all.
    """

    def __init__(self, comparison: Comparison, name: str, images: np.ndarray | None = None):
        self.comparison = comparison
        self.name = name
        self._groups = [group for group in comparison.groups if group.scores]
        self._places = {id(group): place for place, group in enumerate(self._groups)}
        self._crossed: CrossedEffects | None = None
        if comparison.images is None or not self._groups:
            return
        self._rows = rows = np.full(len(comparison.images.labels), True) if images is None else images
        self._labels = comparison.images.labels[rows]
        if set(np.unique(self._labels)) == {0, 1} or name == "accuracy":  # one label has no F1 or ROC
            samples = [_sample(group, name, self._labels, rows) for group in self._groups]
            self._crossed = CrossedEffects(samples, comparison.confidence)

    def mean(self, group: Group) -> Estimate | None:
        """The group's mean over seeds, its interval within the metric's bounds; None without predictions.

        The interval of the calibration error reaches down to what is left of it without the bias that
        noise adds. That of a metric that is perfect, or as bad as can be, is Wilson's: few images do
        not make it certain. So is that of a share with fewer than FEW images on one side.
        """
        if not self._crossed or not group.scores:
            return None
        estimate = self._crossed.mean(self._place(group))
        if self.name == "ece":
            biases = [ece_bias(self._labels, scores[self._rows]) for scores in group.scores.values()]
            estimate = replace(estimate, low=estimate.low - float(np.mean(biases)))
        bounds = describe_metric(self.name).bounds
        if self.name in SHARES and estimate.standard_error == 0 and estimate.value in bounds:
            estimate = self._of_share(group, estimate, float(estimate.value == max(bounds)))
        elif self.name in PLAIN_SHARES and estimate.standard_error > 0:
            share = estimate.value
            images = share * (1 - share) / estimate.standard_error**2  # as if all were independent
            if images * min(share, 1 - share) < FEW:
                low, high = wilson(share, images, estimate.degrees_of_freedom, estimate.confidence)
                estimate = replace(estimate, low=low, high=high)
        return _clip(estimate, *bounds)

    def _of_share(self, group: Group, estimate: Estimate, share: float) -> Estimate:
        """With Wilson's interval of a share of 0 or 1."""
        calls = [decide(scores[self._rows]) for scores in group.scores.values()]
        images = float(np.mean([SHARES[self.name](self._labels, each) for each in calls]))
        ends = (0.0, 1.0)
        if images:
            ends = wilson(share, images, estimate.degrees_of_freedom, estimate.confidence)
        low, high = map(BY_SHARE.get(self.name, float), ends)
        return replace(estimate, low=low, high=high)

    def differences(self, pairs: Pairs, chosen: bool = False) -> list[Difference | None]:
        """First less second of each pair, tested together; None where one cannot be measured.

        Intervals end where a difference of two values within the metric's bounds does.

        Args:
            pairs: of groups.
            chosen: whether they were chosen from all pairs by their values, for which the tests then hold.
        """
        if not self._crossed:
            return [None] * len(pairs)
        measurable, places = self._measurable(pairs)
        least, most = describe_metric(self.name).bounds
        bounds = least - most, most - least
        estimates = [self._crossed.difference(*place) for place in places]
        adjusted = simultaneous(self._crossed, places, chosen)
        exact = self._mcnemar(measurable)
        by_pair = {
            (a.name, b.name): Difference(
                _clip(own, *bounds), _clip(of_all, *bounds), exact.get((a.name, b.name)), _same_models(a, b)
            )
            for (a, b), own, of_all in zip(measurable, estimates, adjusted, strict=True)
        }
        return [by_pair.get((a.name, b.name)) for a, b in pairs]

    def ranking(self) -> dict[str, RankRange]:
        """Which groups may be the best, and each one's possible ranks, by name; of those with predictions.

        Empty where groups are hidden: the best that are shown were chosen by their values.
        """
        if not self._crossed or self.comparison.hidden:
            return {}
        ranges = rank(self._crossed, higher_is_better(self.name))
        return {group.name: of_one for group, of_one in zip(self._groups, ranges, strict=True)}

    def noise(self, group: Group) -> NoiseSources | None:
        """Where the noise of a group's mean comes from; None without predictions or with one seed."""
        if not self._crossed or not group.scores:
            return None
        return noise_sources(self._crossed, self._place(group))

    def _mcnemar(self, pairs: list[tuple[Group, Group]]) -> dict[tuple[str, str], float]:
        if self.name != "accuracy":
            return {}
        single = [(a, b) for a, b in pairs if len(a.scores) == len(b.scores) == 1]
        p_values = [
            mcnemar(*(decide(*group.scores.values()) == self._labels for group in pair)) for pair in single
        ]
        return {(a.name, b.name): p for (a, b), p in zip(single, holm(p_values), strict=True)}

    def _measurable(self, pairs: Pairs) -> tuple[Pairs, np.ndarray]:
        """The pairs that can be compared, and the places of their groups: int [pairs, 2]."""
        measurable = [(a, b) for a, b in pairs if a.scores and b.scores and a is not b]
        places = [(self._place(a), self._place(b)) for a, b in measurable]
        return measurable, np.array(places, int).reshape(-1, 2)

    def _place(self, group: Group) -> int:
        return self._places[id(group)]


def trivial_baseline(comparison: Comparison) -> tuple[float, str] | None:
    """The metric of a model that answers the same for every image, and what it answers.

    None where the metric is not of predictions, or there are none.
    """
    name = comparison.metric.name
    if comparison.images is None:
        return None
    labels = comparison.images.labels
    score, answer = (1.0, "FAKE") if name in DECISIONS else (labels.mean(), "the share of FAKE")
    return INFLUENCE[name](labels, np.full(len(labels), score))[0], answer


def _rarer(labels: np.ndarray) -> int:
    """Images of the label that fewer have."""
    return int(np.bincount(labels, minlength=2).min())


def _clip(estimate: Estimate, least: float, most: float) -> Estimate:
    return replace(estimate, low=max(estimate.low, least), high=min(estimate.high, most))


def _sample(group: Group, name: str, labels: np.ndarray, rows: np.ndarray) -> Sample:
    values, influence = zip(
        *(INFLUENCE[name](labels, scores[rows]) for scores in group.scores.values()), strict=True
    )
    return Sample(np.array(values), np.array(influence), list(group.scores))


def _same_models(first: Group, second: Group) -> bool:
    """Whether the groups have the same seeds, and scores that are equal seed by seed."""
    return first.scores.keys() == second.scores.keys() and all(
        np.array_equal(scores, second.scores[seed]) for seed, scores in first.scores.items()
    )
