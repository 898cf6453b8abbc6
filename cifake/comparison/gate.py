"""A gate for CI: conditions on runs, judged on intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cifake.comparison.comparison import Comparison
from cifake.comparison.condition import Condition
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.groups import Group, name_list
from cifake.comparison.predictions import is_of_predictions
from cifake.comparison.runs import SEED
from cifake.comparison.statistics.crossed_effects import CrossedEffects, Estimate, Sample
from cifake.comparison.statistics.planning import seeds_needed
from cifake.comparison.table import Column, Section, Table

PASS, FAIL, CANNOT_TELL = "pass", "fail", "cannot tell"
EXIT_CODES = {FAIL: 1, CANNOT_TELL: 3}


@dataclass(frozen=True)
class Verdict:
    """What a condition says of one group.

    Attributes:
        estimate: of the metric or the change; None where there is none.
        verdict: pass, fail or cannot tell.
        reason: why it cannot be told, and what would help.
    """

    condition: str
    split: str
    variant: str
    estimate: Estimate | None
    verdict: str
    reason: str | None

    def __str__(self) -> str:
        parts = [f"{self.verdict}: '{self.condition}' of {self.variant}"]
        if self.estimate:
            parts.append(f"at {self.estimate.value:.4g} [{self.estimate.low:.4g}, {self.estimate.high:.4g}]")
        return " ".join([*parts, *([f"({self.reason})"] if self.reason else [])])


def judge(condition: Condition, comparison: Comparison, allow_single_seed: bool = False) -> list[Verdict]:
    """A verdict on each group but the baseline.

    Args:
        condition: what must not be.
        comparison: of the condition's metric; its reference is the condition's baseline, if it has one.
        allow_single_seed: decide on an interval of images alone, too.
    """
    baseline = comparison.reference if condition.baseline else None
    groups = [group for group in comparison.groups if group is not baseline]
    estimates = _estimates(comparison, groups, baseline)
    return [
        Verdict(
            condition.text,
            comparison.metadata["split"],
            group.name,
            estimate,
            *_decide(condition, estimate, [group, baseline] if baseline else [group], allow_single_seed),
        )
        for group, estimate in zip(groups, estimates, strict=True)
    ]


def exit_code_of(verdicts: Sequence[Verdict]) -> int:
    """1 when one fails, else 3 when one cannot be told, else 0."""
    return min((EXIT_CODES[each.verdict] for each in verdicts if each.verdict != PASS), default=0)


def verdict_section(verdicts: Sequence[Verdict]) -> Section:
    """Verdicts as a table."""
    rows = [
        {
            **{key: getattr(each, key) for key in ("condition", "split", "variant", "verdict")},
            **{key: getattr(each.estimate, key, None) for key in ("value", "low", "high")},
            "reason": each.reason,
        }
        for each in verdicts
    ]
    columns = [
        Column("condition", "fails if"),
        Column("split", "split"),
        Column("variant", "variant"),
        Column("verdict", "verdict"),
        Column("value", "value", ".4g"),
        Column("low", "interval", ".4g", upto="high"),
        Column("reason", "why"),
    ]
    caption = "Verdicts: a condition fails, or passes, when the whole interval says so."
    return Section("verdicts", [Table(caption, columns, rows)])


def _estimates(
    comparison: Comparison, groups: Sequence[Group], baseline: Group | None
) -> list[Estimate | None]:
    """Of the metric, or of its difference from the baseline."""
    if is_of_predictions(comparison.metric.key):
        estimates = MetricEstimates(comparison, comparison.metric.name)
        if baseline is None:
            return [estimates.mean(group) for group in groups]
        differences = estimates.differences([(group, baseline) for group in groups])
        return [difference.estimate if difference else None for difference in differences]
    return [_over_seeds(comparison, group, baseline) for group in groups]


def _over_seeds(comparison: Comparison, group: Group, baseline: Group | None) -> Estimate | None:
    """Of a metric that is not of predictions: seeds alone; None with one seed."""
    samples = []
    for each in (group, baseline) if baseline else (group,):
        values = each.values(comparison.metric.key)
        if len(values) < 2:
            return None
        samples.append(Sample(values, np.zeros((len(values), 2)), [str(seed) for seed in each.runs[SEED]]))
    crossed = CrossedEffects(samples, comparison.confidence)
    return crossed.difference(0, 1) if baseline else crossed.mean(0)


def _decide(
    condition: Condition, estimate: Estimate | None, groups: Sequence[Group], allow_single_seed: bool
) -> tuple[str, str | None]:
    """The verdict, and why it cannot be told: a seed without a finite value passes nothing."""
    not_finite = [group.name for group in groups if group.not_finite]
    if not_finite:
        open_reason = f"{condition.metric} of {name_list(not_finite)} is not finite for all seeds"
    elif estimate is None:
        open_reason = "no usable predictions, or a cost with fewer than two seeds"
    else:
        open_reason = what_would_help(estimate, condition.limit, groups)
    if estimate is None:
        return CANNOT_TELL, open_reason
    if estimate.seed_variance is None and not allow_single_seed:
        return CANNOT_TELL, open_reason
    if condition.sign > 0:
        beyond, within = estimate.low > condition.limit, estimate.high <= condition.limit
    else:
        beyond, within = estimate.high < condition.limit, estimate.low >= condition.limit
    if beyond:
        return FAIL, None
    if within and not not_finite:
        return PASS, None
    return CANNOT_TELL, open_reason


def what_would_help(estimate: Estimate, limit: float, groups: Sequence[Group]) -> str:
    """How many seeds of one group, or of two, would take an estimate's interval off a limit."""
    if estimate.seed_variance is None:
        return "one seed says nothing about training noise: run at least 3"
    needed = seeds_needed(estimate, limit)
    if needed is None or estimate.standard_error == 0:
        return "no number of seeds would tell: it is too close for these test images"
    needed = max(needed, min(len(group.runs) for group in groups) + 1)
    return f"would need about {needed} seeds{' on each side' if len(groups) > 1 else ''}"
