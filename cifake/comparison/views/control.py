"""A control: groups that are trained alike must not differ."""

from collections import defaultdict
from itertools import combinations

from cifake.comparison.comparison import Comparison
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.groups import Group
from cifake.comparison.runs import PARAMETER

HARMLESS = {f"{PARAMETER}validation_steps"}  # how training is watched, not how it is done


def control_notes(comparison: Comparison, estimates: MetricEstimates) -> list[str]:
    """A sentence on each pair that differs in nothing but how training is validated."""
    alike = defaultdict(list)
    for group in (group for group in comparison.groups if group.scores):
        alike[tuple(item for item in group.settings().items() if item[0] not in HARMLESS)].append(group)
    pairs = [pair for groups in alike.values() for pair in combinations(groups, 2)]
    return [_note(first, second, estimates) for first, second in pairs]


def _note(first: Group, second: Group, estimates: MetricEstimates) -> str:
    """One planned comparison, so its p-value is not adjusted."""
    (difference,) = estimates.differences([(second, first)])
    if difference is None:
        return f"A/A control: {second.name} against {first.name} could not be measured."
    estimate = difference.estimate
    verdict = "a tie, as it must be" if difference.tied else "NOT a tie: distrust small differences here"
    return (
        f"A/A control: {second.name} differs from {first.name} in validation alone. "
        f"Difference {estimate.value:+.4f} [{estimate.low:+.4f}, {estimate.high:+.4f}], "
        f"p = {estimate.p:.3f}: {verdict}."
    )
