"""Conditions as text, of the gate and of a suite; imports nothing heavy, so a mistake shows at once."""

import re
from dataclasses import dataclass

from cifake.contract import describe_metric
from cifake.core.errors import ConfigError

_NUMBER = r"(?P<limit>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_LIMIT = re.compile(rf"(?P<metric>\S+)\s*(?P<sign>[<>])=?\s*{_NUMBER}")
_CHANGE = re.compile(rf"(?P<metric>\S+)\s+(?P<sign>drops|rises)\s+{_NUMBER}\s+vs\s+(?P<baseline>.+)")
_CLAIM = re.compile(
    r"(?P<variant>\S+)\s+(?P<claim>beats|differs\s+from)\s+(?P<baseline>\S+)\s+in\s+(?P<metric>\S+)"
)
CLAIMS = "'wide beats base in f1', 'wide differs from base in f1', "


@dataclass(frozen=True)
class Condition:
    """When a comparison fails: a metric beyond a limit, or a change beyond one.

    Attributes:
        text: as it was given.
        metric: the metric as it was given: ``f1``.
        sign: 1 fails above the limit, -1 below it.
        limit: in units of the metric.
        baseline: what a change is measured from; None for a limit of the metric itself.
        variant: the only one that it is about; None for every variant.
        claim: ``beats`` or ``differs from``, where it was given as that.
    """

    text: str
    metric: str
    sign: int
    limit: float
    baseline: str | None
    variant: str | None = None
    claim: str = ""


def parse_condition(text: str, option: str = "--fail-if", others: str = "") -> Condition:
    """Read ``f1 < 0.93`` or ``f1 drops 0.005 vs base``.

    Args:
        text: the condition.
        option: what it was given as, for the message.
        others: examples of what the option takes besides, for the message.

    Raises:
        ConfigError: neither.
    """
    match = _LIMIT.fullmatch(text.strip()) or _CHANGE.fullmatch(text.strip())
    if not match:
        raise ConfigError(
            f"{option}: expected {others}'f1 < 0.93' or 'f1 drops 0.005 vs base' (or with > or rises), "
            f"received '{text}'"
        )
    sign = -1 if match["sign"] in ("<", "drops") else 1
    baseline = match.groupdict().get("baseline")
    limit = float(match["limit"])
    if baseline and limit < 0:
        raise ConfigError(f"{option}: expected a change of 0 or more, received {limit} in '{text}'")
    return Condition(text, match["metric"], sign, sign * limit if baseline else limit, baseline)


def parse_until(text: str) -> Condition:
    """Read what a suite is to find out: ``wide beats base in f1``, ``... differs from ...``, or a condition.

    A claim becomes the condition that fails where the variant is worse, and passes where it is not.

    Raises:
        ConfigError: none of these, or a metric of which it is not known which values are better.
    """
    claim = _CLAIM.fullmatch(text.strip())
    if not claim:
        condition = parse_condition(text, "until", CLAIMS)
        _higher_is_better(condition.metric)
        return condition
    sign = -1 if _higher_is_better(claim["metric"]) else 1
    verb = "beats" if claim["claim"] == "beats" else "differs from"
    return Condition(text, claim["metric"], sign, 0.0, claim["baseline"], claim["variant"], verb)


def _higher_is_better(metric: str) -> bool:
    up = describe_metric(metric).higher_is_better
    if up is None:
        raise ConfigError(
            f"until: expected a metric such as f1, loss or cost/latency_ms, received '{metric}'"
        )
    return up
