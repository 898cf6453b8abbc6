"""Conditions of the gate as text; imports nothing heavy, so a mistake shows before the store is read."""

import re
from dataclasses import dataclass

from cifake.core.errors import ConfigError

_NUMBER = r"(?P<limit>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_LIMIT = re.compile(rf"(?P<metric>\S+)\s*(?P<sign>[<>])=?\s*{_NUMBER}")
_CHANGE = re.compile(rf"(?P<metric>\S+)\s+(?P<sign>drops|rises)\s+{_NUMBER}\s+vs\s+(?P<baseline>.+)")


@dataclass(frozen=True)
class Condition:
    """When a comparison fails: a metric beyond a limit, or a change beyond one.

    Attributes:
        text: as it was given.
        metric: the metric as it was given: ``f1``.
        sign: 1 fails above the limit, -1 below it.
        limit: in units of the metric.
        baseline: what a change is measured from; None for a limit of the metric itself.
    """

    text: str
    metric: str
    sign: int
    limit: float
    baseline: str | None


def parse_condition(text: str) -> Condition:
    """Read ``f1 < 0.93`` or ``f1 drops 0.005 vs base``.

    Raises:
        ConfigError: neither.
    """
    match = _LIMIT.fullmatch(text.strip()) or _CHANGE.fullmatch(text.strip())
    if not match:
        raise ConfigError(
            "--fail-if: expected 'f1 < 0.93' or 'f1 drops 0.005 vs base' (or with > or rises), "
            f"received '{text}'"
        )
    sign = -1 if match["sign"] in ("<", "drops") else 1
    baseline = match.groupdict().get("baseline")
    limit = float(match["limit"])
    if baseline and limit < 0:
        raise ConfigError(f"--fail-if: expected a change of 0 or more, received {limit} in '{text}'")
    return Condition(text, match["metric"], sign, sign * limit if baseline else limit, baseline)
