"""Whether the best group may take the champion's place, and which of its runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cifake.comparison.comparison import Comparison
from cifake.comparison.estimates import Difference, MetricEstimates
from cifake.comparison.gate import CANNOT_TELL, PASS, what_would_help
from cifake.comparison.groups import Group
from cifake.comparison.model_card import model_card
from cifake.comparison.predictions import is_of_predictions
from cifake.comparison.run_source import RunSource
from cifake.comparison.runs import PARAMETER, SEED, fetch_history
from cifake.contract import higher_is_better
from cifake.core.errors import RunError


@dataclass(frozen=True)
class Challenge:
    """What a comparison says of the champion and the best group.

    Attributes:
        verdict: ``pass`` or ``cannot tell``.
        run_id: what is to be registered; None where the champion stays.
        tags: of the version: metric, value, interval, seeds, variant and the paired test, as text by key.
        text: the verdict in a sentence.
        card: the model card of what is to be registered.
    """

    verdict: str
    run_id: str | None
    tags: dict[str, str]
    text: str
    card: str = ""


def challenge(comparisons: Sequence[Comparison], champion: str | None) -> Challenge:
    """Test the best group against the champion's, on the same images.

    The test is the leaderboard's with the champion as its baseline: two-sided, and adjusted for all groups
    together, since the best was chosen among them.

    Args:
        comparisons: all groups of one data set and split, of a metric of predictions.
        champion: the key of its group; None for no champion, '' for one that is not here.

    Raises:
        RunError: several data sets or splits, or a metric that no test can be made of.
    """
    if len(comparisons) > 1:
        received = ", ".join(
            f"{comparison.metadata['dataset']} {comparison.metadata['split']}" for comparison in comparisons
        )
        raise RunError(
            f"promote: expected one data set and split, received {received}; add --split or --filter"
        )
    (comparison,) = comparisons
    if not is_of_predictions(comparison.metric.key):
        raise RunError(
            f"promote: expected a metric of predictions such as f1, received {comparison.metric.key}"
        )
    best = comparison.groups[0]
    if best.not_finite:
        return Challenge(
            CANNOT_TELL, None, {}, f"{comparison.metric.key} of {best.name} is not finite for all seeds"
        )
    if best.partly_predicted:
        reason = f"{len(best.scores)} of {len(best.runs)} seeds of {best.name} have usable predictions"
        return Challenge(CANNOT_TELL, None, {}, reason)
    if champion is None:
        return _promote(comparison, best, "there was no champion")
    holder = next((each for each in comparison.groups if each.key == champion), None)
    if holder is None:
        reason = (
            "its run is not among those compared (other data, or left out), and the same images are needed; "
            "delete its alias champion to promote without comparing"
        )
        return Challenge(CANNOT_TELL, None, {}, reason)
    if holder is best:
        return Challenge(PASS, None, {}, f"{best.name} is the champion already")
    differences = MetricEstimates(comparison, comparison.metric.name).differences(
        [(g, holder) for g in comparison.groups]
    )
    return _judge(comparison, best, holder, differences[0])


def _judge(comparison: Comparison, best: Group, holder: Group, difference: Difference | None) -> Challenge:
    if difference is None:
        return Challenge(CANNOT_TELL, None, {}, f"{best.name} or {holder.name} has no usable predictions")
    estimate = difference.adjusted
    numbers = (
        f"{best.name} less {holder.name}: {estimate.value:+.4f} [{estimate.low:+.4f}, {estimate.high:+.4f}] "
        f"in {comparison.metric.key}, p = {estimate.p:.2g}"
    )
    if difference.tied:
        reason = what_would_help(estimate, 0.0, [best, holder])
        return Challenge(
            CANNOT_TELL, None, {}, f"{numbers}, which is not statistically significant ({reason})"
        )
    tags = {"difference": f"{estimate.value:+.6f}", "p": f"{estimate.p:.3g}", "beaten": holder.name}
    return _promote(comparison, best, numbers, tags)


def _promote(comparison: Comparison, best: Group, text: str, tags: dict[str, str] | None = None) -> Challenge:
    value = best.mean(comparison.metric.key)
    if value is None:
        raise RunError(f"promote: no run has {comparison.metric.key}")
    estimate = MetricEstimates(comparison, comparison.metric.name).mean(best)
    facts = {
        "metric": comparison.metric.key,
        "value": f"{value:.6f}",
        "interval": f"[{estimate.low:.4f}, {estimate.high:.4f}]" if estimate else "unknown",
        "seeds": str(len(best.runs)),
        "variant": best.name,
        "dataset": comparison.metadata["dataset"],
    }
    run_id = _representative(comparison.store, best)
    card = model_card(comparison, best, run_id, facts, text)
    return Challenge(PASS, run_id, {**facts, **(tags or {})}, text, card)


def _representative(store: RunSource, group: Group) -> str:
    """The run whose own monitored metric was best: the test images do not choose among the seeds."""
    runs = group.runs.sort_values(SEED)
    monitor = group.settings.get(f"{PARAMETER}monitor", "val/loss")
    sign = 1 if higher_is_better(monitor) else -1
    best = [
        max((sign * value for value in history.values() if math.isfinite(value)), default=-math.inf)
        for history in fetch_history(store, list(runs["run_id"]), monitor)
    ]
    return str(runs["run_id"].iloc[best.index(max(best))])
