"""A control: groups that are trained alike must not differ."""

from itertools import combinations

from cifake.comparison.board import Board
from cifake.comparison.groups import Group
from cifake.comparison.measured import Measured
from cifake.comparison.runs import PARAMETER

HARMLESS = {f"{PARAMETER}validation_steps"}  # how training is watched, not how it is done


def control_notes(board: Board, measured: Measured) -> list[str]:
    """A sentence on each pair that differs in nothing but how training is validated."""
    pairs = [pair for pair in combinations(board.groups, 2) if _differing(*pair) <= HARMLESS]
    notes = []
    for first, second in pairs:
        (difference,) = measured.differences([(second, first)])  # one planned comparison: not adjusted
        if difference:
            estimate = difference.estimate
            verdict = (
                "a tie, as it must be"
                if difference.tied
                else "NOT a tie: other small differences here deserve distrust"
            )
            notes.append(
                f"A/A control: {second.name} differs from {first.name} in validation alone. "
                f"Difference {estimate.value:+.4f} [{estimate.low:+.4f}, {estimate.high:+.4f}], "
                f"p = {estimate.p:.3f}: {verdict}."
            )
    return notes


def _differing(first: Group, second: Group) -> set[str]:
    one, other = first.settings(), second.settings()
    return {key for key in one.index if str(one[key]) != str(other[key])}
