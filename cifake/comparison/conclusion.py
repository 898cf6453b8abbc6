"""The answer in a few sentences: who leads, who cannot be told apart, who is worse, what would decide."""

from collections import defaultdict
from collections.abc import Sequence

from cifake.comparison.comparison import Comparison, metric_title
from cifake.comparison.estimates import trivial_baseline
from cifake.comparison.groups import name_list
from cifake.comparison.standings import Standing
from cifake.comparison.statistics.planning import BETTER, CANNOT_TELL, EQUIVALENT, WORSE


def conclusion(comparison: Comparison, rows: Sequence[Standing]) -> str:
    """Everything that the leaderboard says."""
    return " ".join([headline(comparison, rows), *_best_set(comparison, rows), *_what_would_decide(rows)])


def headline(comparison: Comparison, rows: Sequence[Standing]) -> str:
    """Who leads, the verdicts on the others, and who does no better than a constant answer."""
    key, form = comparison.metric.key, comparison.metric.form
    leader, reference = rows[0].group, comparison.reference
    value = leader.mean(key)
    if value is None:
        return f"No run has {key}."
    several = any(len(row.group.runs) > 1 for row in rows)
    name = _names(rows[:1]) if several else leader.name
    sentences = [f"{name} leads with {metric_title(comparison)} {value:{form}}."]
    if leader.partly_predicted:
        tested = f"the tests on the {len(leader.scores)} with predictions"
        sentences.append(f"That is its mean over {len(leader.runs)} seeds, and {tested}.")
    if all(row.difference is None for row in rows):
        untested = ["Without predictions no difference is tested."] if len(rows) > 1 else []
        return " ".join([*sentences, *untested, *_no_better_than_trivial(comparison, rows)])
    it, than = ("it", "") if reference is leader else (reference.name, f" than {reference.name}")
    by_verdict = defaultdict(list)
    for row in rows:
        by_verdict[row.verdict].append(row)
    if same := [row for row in by_verdict[EQUIVALENT] if row.difference and row.difference.same_models]:
        sentences.append(f"{_names(same)} {_is(same)} the same models as {it}.")
    if equal := [row for row in by_verdict[EQUIVALENT] if row not in same]:
        sentences.append(f"{_names(equal)} {_is(equal)} equivalent to {it}, within {comparison.margin:g}.")
    if better := by_verdict[BETTER]:
        sentences.append(f"{_names(better)} {_is(better)} better than {it}, {_by(comparison, better)}.")
    if open_ := by_verdict[CANNOT_TELL]:
        sentences.append(f"{_names(open_)} cannot be told from {it}.")
    if worse := by_verdict[WORSE]:
        sentences.append(f"{_names(worse)} {_is(worse)} worse{than}, {_by(comparison, worse)}.")
    return " ".join([*sentences, *_untested(comparison, rows), *_no_better_than_trivial(comparison, rows)])


def _untested(comparison: Comparison, rows: Sequence[Standing]) -> list[str]:
    missing = [row for row in rows if row.difference is None and row.group is not comparison.reference]
    if not missing:
        return []
    return [f"{_names(missing)} {_is(missing, 'was', 'were')} not tested, for lack of predictions."]


def _no_better_than_trivial(comparison: Comparison, rows: Sequence[Standing]) -> list[str]:
    trivial = trivial_baseline(comparison)
    if trivial is None:
        return []
    value, answer = trivial
    up = comparison.metric.higher_is_better
    weak = [row for row in rows if row.mean and (row.mean.low <= value if up else row.mean.high >= value)]
    if not weak:
        return []
    constant = f"always answering {answer} ({value:{comparison.metric.form}})"
    return [f"{_names(weak)} {_is(weak)} not shown to beat {constant}."]


def _best_set(comparison: Comparison, rows: Sequence[Standing]) -> list[str]:
    best = [row.group.name for row in rows if row.ranks and row.ranks.may_be_best]
    if not best or sum(row.ranks is not None for row in rows) < 2:
        return []
    level = f"With {100 * comparison.confidence:g} % confidence"
    if len(best) == 1:
        return [f"{level} {best[0]} is the best."]
    return [f"{level} the best is among {name_list(best).replace(' and ', ', ')}."]


def _what_would_decide(rows: Sequence[Standing]) -> list[str]:
    by_help = defaultdict(list)
    for row in rows:
        if row.help and row.difference and not row.difference.one_seed:
            by_help[row.help].append(row.group.name)
    text = "; ".join(
        f"{name_list(of_help)}: {help_}" if ":" in help_ else f"{help_} would decide {name_list(of_help)}"
        for help_, of_help in by_help.items()
    )
    sentences = [f"{text[0].upper()}{text[1:]}."] if text else []
    if any(row.difference and row.difference.one_seed for row in rows):
        single = [row.group.name for row in rows if len(row.group.scores) == 1]
        sentences.append(f"Run at least 3 seeds of {name_list(single)}.")
    return sentences


def _names(rows: Sequence[Standing]) -> str:
    return name_list([f"{row.group.name}{' (one seed)' * (len(row.group.runs) == 1)}" for row in rows])


def _is(rows: Sequence[Standing], one: str = "is", more: str = "are") -> str:
    return one if len(rows) == 1 else more


def _by(comparison: Comparison, rows: Sequence[Standing]) -> str:
    sizes = sorted(abs(row.difference.adjusted.value) for row in rows if row.difference)
    form = comparison.metric.form
    return "by " + " to ".join(dict.fromkeys(format(size, form) for size in (sizes[0], sizes[-1])))
