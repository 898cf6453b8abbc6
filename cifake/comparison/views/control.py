"""A control: groups that are trained alike must not differ."""

from collections import defaultdict
from dataclasses import replace
from itertools import combinations

import numpy as np

from cifake.comparison.comparison import Comparison
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.groups import HARMLESS, Group
from cifake.comparison.notes import note


def control_notes(comparison: Comparison) -> list[str]:
    """A sentence on each pair that differs in nothing but how training is validated."""
    alike = defaultdict(list)
    for group in (group for group in comparison.groups if group.scores):
        alike[tuple(item for item in group.settings.items() if item[0] not in HARMLESS)].append(group)
    pairs = [pair for groups in alike.values() for pair in combinations(groups, 2)]
    return [
        note("control", _control(comparison, *sorted(pair, key=lambda group: len(group.scores))))
        for pair in pairs
    ]


def _control(comparison: Comparison, first: Group, second: Group) -> str:
    """One planned comparison, so its p-value is not adjusted; without the models that both groups hold."""
    others = {
        seed: scores
        for seed, scores in second.scores.items()
        if not np.array_equal(scores, first.scores.get(seed, ()))
    }
    if not others:
        return (
            f"{second.name} and {first.name} are the same models, which says nothing; run one "
            "with other seeds."
        )
    second = replace(second, scores=others)
    estimates = MetricEstimates(replace(comparison, groups=[first, second]), comparison.metric.name)
    (difference,) = estimates.differences([(second, first)])
    if difference is None:
        return f"{second.name} against {first.name} could not be measured."
    estimate = difference.adjusted  # one comparison: nothing is adjusted
    if difference.one_seed:
        return f"{second.name} against {first.name} needs two seeds or more of each."
    once_in = round(1 / (1 - comparison.confidence))
    verdict = (
        "a tie, as it must be"
        if difference.tied
        else f"NOT a tie. That happens once in {once_in} controls; more often, distrust small differences"
    )
    return (
        f"{second.name} differs from {first.name} in validation alone. "
        f"Difference {estimate.value:+.4f} [{estimate.low:+.4f}, {estimate.high:+.4f}], "
        f"p = {estimate.p:.3f}: {verdict}."
    )
