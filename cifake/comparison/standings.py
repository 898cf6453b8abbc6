"""What a leaderboard knows of each group: interval, difference, verdict, possible ranks."""

from dataclasses import dataclass
from itertools import combinations

from cifake.comparison.comparison import Comparison
from cifake.comparison.estimates import Difference, MetricEstimates
from cifake.comparison.groups import HARMLESS, Group
from cifake.comparison.runs import PARAMETER
from cifake.comparison.statistics.crossed_effects import Estimate
from cifake.comparison.statistics.planning import CANNOT_TELL, seeds_needed, smallest_visible, verdict
from cifake.comparison.statistics.ranking import RankRange

SETTINGS_NAMED = 2  # more are counted
SEARCH_SETTINGS = (f"{PARAMETER}search", f"{PARAMETER}tuner")
NO_SEARCH = (None, "None")
MODEL = "model."  # goes without saying in front of a setting


@dataclass(frozen=True)
class Standing:
    """One row of a leaderboard.

    Attributes:
        group: the repeats.
        changes: how its settings differ from the reference's: ``optimizer adam → sgd``.
        mean: over its seeds; None without predictions.
        difference: from the reference; None where it cannot be measured.
        verdict: better, worse, equivalent or cannot tell; None without a difference.
        help: what would decide it, where it cannot be told.
        smallest: the smallest difference that would have been seen in 80 % of cases.
        ranks: which it may have; None without predictions.
    """

    group: Group
    changes: str | None
    mean: Estimate | None
    difference: Difference | None
    verdict: str | None
    help: str | None
    smallest: float | None
    ranks: RankRange | None


def standings(comparison: Comparison) -> list[Standing]:
    """Of each group, best first.

    Where the reference is the best group, any pair could have been compared, so intervals and p-values
    hold for all pairs together; with a baseline, for the comparisons with it.
    """
    estimates = MetricEstimates(comparison, comparison.metric.name)
    groups, reference = comparison.groups, comparison.reference
    family = None if comparison.planned else list(combinations(groups, 2))
    differences = estimates.differences([(group, reference) for group in groups], family)
    ranks = estimates.ranking()
    rows = []
    for group, difference in zip(groups, differences, strict=True):
        said = judge_difference(comparison, difference) if difference else None
        rows.append(
            Standing(
                group=group,
                changes=None if group is reference else changes(group, reference),
                mean=estimates.mean(group),
                difference=difference,
                verdict=said,
                help=_help(comparison, group, difference) if difference and said == CANNOT_TELL else None,
                smallest=smallest_visible(difference.adjusted) if difference else None,
                ranks=ranks.get(group.name),
            )
        )
    return rows


def judge_difference(comparison: Comparison, difference: Difference) -> str:
    """The verdict of the interval that holds for all comparisons together."""
    return verdict(difference.adjusted, bool(comparison.metric.higher_is_better), comparison.margin)


def changes(group: Group, reference: Group) -> str:
    """How a group's settings differ from the reference's: ``optimizer adam → sgd, epochs 20 → 10``.

    How training is watched is named where nothing else differs.
    """
    own, other = (
        {key: value for key, value in each.settings().items() if value != "None"}
        for each in (group, reference)
    )
    differing = [
        key
        for key in sorted({*own, *other})
        if own.get(key) != other.get(key)
        and not any(key == part or key.startswith(f"{part}.") for part in SEARCH_SETTINGS)
    ]
    differing = [key for key in differing if key not in HARMLESS] or differing
    if _is_search(own) and not _is_search(other):
        return f"search, {len(differing)} settings"
    named = [
        f"{key.removeprefix(PARAMETER).removeprefix(MODEL)} {other.get(key, 'none')} → {own.get(key, 'none')}"
        for key in differing[:SETTINGS_NAMED]
    ]
    more = len(differing) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _is_search(settings: dict[str, str]) -> bool:
    return any(value not in NO_SEARCH for key, value in settings.items() if key.startswith(SEARCH_SETTINGS))


def _help(comparison: Comparison, group: Group, difference: Difference) -> str:
    """How many seeds more would decide a difference, as it stands."""
    adjusted, margin = difference.adjusted, comparison.margin
    if adjusted.seed_variance is None:
        return "one seed: run at least 3"
    options = [seeds_needed(adjusted, 0.0)]
    if abs(adjusted.value) < margin:
        both = [seeds_needed(adjusted, margin), seeds_needed(adjusted, -margin)]
        options.append(None if None in both else max(each for each in both if each))
    enough = [each for each in options if each]
    if not enough:
        return "no number of seeds"
    more = max(min(enough) - min(len(group.scores), len(comparison.reference.scores)), 1)
    return f"about {more} more seed{'s' if more > 1 else ''}"
