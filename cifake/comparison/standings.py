"""What a leaderboard knows of each group: interval, difference, verdict, possible ranks."""

from dataclasses import dataclass

from cifake.comparison.comparison import Comparison
from cifake.comparison.estimates import Difference, MetricEstimates
from cifake.comparison.groups import HARMLESS, Group
from cifake.comparison.runs import PARAMETER
from cifake.comparison.statistics.crossed_effects import Estimate
from cifake.comparison.statistics.planning import CANNOT_TELL, seeds_needed, smallest_visible, verdict
from cifake.comparison.statistics.ranking import RankRange

KINDS = (".builder", ".kind")  # decide which others there are, and come first
SETTINGS_NAMED = 2  # more are counted
SEARCH_SETTINGS = (f"{PARAMETER}search.", f"{PARAMETER}tuner.")
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
    """The standing of each group, best first.

    The differences are those of ``differences_from_reference``.
    """
    estimates = MetricEstimates(comparison, comparison.metric.name)
    groups, reference = comparison.groups, comparison.reference
    ranks = estimates.ranking()
    rows = []
    for group, difference in zip(groups, differences_from_reference(comparison, estimates), strict=True):
        said = judge_difference(comparison, difference) if difference else None
        rows.append(
            Standing(
                group=group,
                changes=None if group is reference else changes(group, reference),
                mean=estimates.mean(group),
                difference=difference,
                verdict=said,
                help=_help(comparison, group, difference) if difference and said == CANNOT_TELL else None,
                smallest=_smallest(difference),
                ranks=ranks.get(group.name),
            )
        )
    return rows


def _smallest(difference: Difference | None) -> float | None:
    """The smallest visible difference; None with one seed, which shows none."""
    return None if difference is None or difference.one_seed else smallest_visible(difference.adjusted)


def differences_from_reference(comparison: Comparison, estimates: MetricEstimates) -> list[Difference | None]:
    """Each group less the reference.

    Where the reference is the best group, any pair could have been compared, so intervals and p-values
    hold for all pairs together; with a baseline, for the comparisons with it.
    """
    pairs = [(group, comparison.reference) for group in comparison.groups]
    return estimates.differences(pairs, chosen=not comparison.planned)


def judge_difference(comparison: Comparison, difference: Difference) -> str:
    """The verdict of the interval that holds for all comparisons together.

    With one seed on a side it is of the images alone, and tells nothing of the variants. Nor does one of no
    width of different models.
    """
    if difference.one_seed or difference.unknown:
        return CANNOT_TELL
    return verdict(difference.adjusted, bool(comparison.metric.higher_is_better), comparison.margin)


def changes(group: Group, reference: Group) -> str:
    """How a group's settings differ from the reference's: ``optimizer adam → sgd, epochs 20 → 10``.

    How training is watched is named where nothing else differs.
    """
    differing = setting_changes(group, reference)
    differing = {key: change for key, change in differing.items() if key not in HARMLESS} or differing
    if _is_search(group) and not _is_search(reference):
        return f"search, {len(differing)} settings"
    named = list(differing.values())[:SETTINGS_NAMED]
    more = len(differing) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def setting_changes(group: Group, reference: Group) -> dict[str, str]:
    """By setting how a group differs from the reference: ``optimizer adam → sgd``; without its search."""
    own, other = group.settings, reference.settings
    return {
        key: f"{setting_title(key)} {other.get(key, 'none')} → {own.get(key, 'none')}"
        for key in sorted({*own, *other}, key=lambda key: (not key.endswith(KINDS), key))
        if own.get(key) != other.get(key) and not key.startswith(SEARCH_SETTINGS)
    }


def setting_title(key: str) -> str:
    """What people call a setting: ``filters`` of ``params.model.filters``."""
    return key.removeprefix(PARAMETER).removeprefix(MODEL)


def _is_search(group: Group) -> bool:
    return any(key.startswith(SEARCH_SETTINGS) for key in group.settings)


def _help(comparison: Comparison, group: Group, difference: Difference) -> str:
    """How many more seeds would decide a difference."""
    adjusted, margin = difference.adjusted, comparison.margin
    if difference.one_seed:
        return "one seed: run at least 3"
    if difference.unknown:
        return "no number of seeds"
    together = adjusted.confidence != comparison.confidence
    options = [seeds_needed(adjusted, 0.0, together)]
    if abs(adjusted.value) < margin:
        both = [seeds_needed(adjusted, limit, together) for limit in (margin, -margin)]
        options.append(None if None in both else max(each for each in both if each))
    enough = [each for each in options if each]
    if not enough:
        return "no number of seeds"
    more = max(min(enough) - min(len(group.scores), len(comparison.reference.scores)), 1)
    return f"about {more} more seed{'s' if more > 1 else ''}"
