"""Whether the best group may take the champion's place, and which of its runs."""

from collections.abc import Sequence
from dataclasses import dataclass

from cifake.comparison.board import Board
from cifake.comparison.gate import CANNOT_TELL, PASS, what_would_help
from cifake.comparison.groups import SEED, Group
from cifake.comparison.measured import Difference, Measured
from cifake.comparison.predictions import is_of_predictions
from cifake.comparison.runs import PARAMETER, fetch_history
from cifake.errors import RunError


@dataclass(frozen=True)
class Challenge:
    """What a comparison says of the champion and the best group.

    Attributes:
        verdict: ``pass`` or ``cannot tell``.
        run_id: what is to be registered; None where the champion stays.
        about: metric, value, seeds, variant and the paired test, as text by key.
        text: the verdict in a sentence.
    """

    verdict: str
    run_id: str | None
    about: dict[str, str]
    text: str


def challenge(boards: Sequence[Board], champion: str | None) -> Challenge:
    """Test the best group against the champion's, on the same images.

    The test is the leaderboard's with the champion as its baseline: two-sided, and adjusted for all groups
    (Holm), since the best was chosen among them.

    Args:
        boards: all groups of one data set and split, of a metric of predictions.
        champion: the config_hash of its settings; None for no champion, '' for one that is not here.

    Raises:
        RunError: several data sets or splits, or a metric that no test can be made of.
    """
    if len(boards) > 1:
        found = ", ".join(f"{board.about['dataset']} {board.about['split']}" for board in boards)
        raise RunError(f"promote: expected one data set and split, received {found}; add --split or --filter")
    (board,) = boards
    if not is_of_predictions(board.metric):
        raise RunError(f"promote: expected a metric of predictions such as f1, received {board.metric}")
    best = board.groups[0]
    if champion is None:
        return _promote(board, best, "there was no champion")
    holder = next((each for each in board.groups if _hash(each) == champion), None)
    if holder is None:
        reason = (
            "its run is not among those compared (other data, or left out), and the same images are needed"
        )
        return Challenge(CANNOT_TELL, None, {}, reason)
    if holder is best:
        return Challenge(PASS, None, {}, f"{best.name} is the champion already")
    differences = Measured(board, board.described.name).differences([(g, holder) for g in board.groups])
    return _judge(board, best, holder, differences[0])


def _judge(board: Board, best: Group, holder: Group, difference: Difference | None) -> Challenge:
    if difference is None:
        return Challenge(CANNOT_TELL, None, {}, f"{best.name} or {holder.name} has no usable predictions")
    estimate = difference.estimate
    numbers = (
        f"{best.name} less {holder.name}: {estimate.value:+.4f} [{estimate.low:+.4f}, {estimate.high:+.4f}] "
        f"in {board.metric}, p = {difference.p_holm:.2g}"
    )
    if difference.tied or estimate.seed_variance is None:
        reason = what_would_help(estimate, 0.0, paired=True)
        return Challenge(CANNOT_TELL, None, {}, f"{numbers}, which is not beyond doubt ({reason})")
    about = {"difference": f"{estimate.value:+.6f}", "p": f"{difference.p_holm:.3g}", "beaten": holder.name}
    return _promote(board, best, numbers, about)


def _promote(board: Board, best: Group, text: str, about: dict[str, str] | None = None) -> Challenge:
    value = best.mean(board.metric)
    if value is None:
        raise RunError(f"promote: no run has {board.metric}")
    facts = {
        "metric": board.metric,
        "value": f"{value:.6f}",
        "seeds": str(len(best.runs)),
        "variant": best.name,
    }
    return Challenge(PASS, _representative(best), {**facts, **(about or {})}, text)


def _representative(group: Group) -> str:
    """The run whose own monitored metric was best: the test images do not choose among the seeds."""
    runs = group.runs.sort_values(SEED)
    monitor = str(runs[f"{PARAMETER}monitor"].iloc[0]) if f"{PARAMETER}monitor" in runs else "val/loss"
    sign = -1 if monitor == "val/loss" else 1
    best = [
        max((sign * value for value in history.values()), default=float("-inf"))
        for history in fetch_history(list(runs["run_id"]), monitor)
    ]
    return str(runs["run_id"].iloc[best.index(max(best))])


def _hash(group: Group) -> str:
    return str(group.runs["config_hash"].iloc[0])
