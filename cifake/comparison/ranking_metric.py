"""The metric that a comparison ranks by: it is in the runs, and it is known which values are better."""

from dataclasses import replace

import pandas as pd

from cifake.comparison.runs import PARAMETER
from cifake.contract import KINDS, OF_PREDICTIONS, ROBUST, Metric, describe_metric
from cifake.core.errors import ConfigError, RunError

LINES = tuple(f"{ROBUST}{kind}/" for kind in KINDS)
HIGHER_IS_BETTER = {"higher": True, "lower": False}


def find_metric(runs: pd.DataFrame, name: str) -> Metric:
    """A metric given in short (``f1``) or as its whole key (``val/loss``).

    Raises:
        RunError: no run has it; names those there are.
    """
    numeric = [
        c for c in runs.columns if not c.startswith(PARAMETER) and pd.api.types.is_float_dtype(runs[c])
    ]
    lines = [key for key in numeric if key.startswith(LINES)]  # over strengths, of which none is the value
    for key in (f"test/{name}", name):
        if key in numeric and key not in lines:
            return describe_metric(key)
    short = [name for name in OF_PREDICTIONS if f"test/{name}" in numeric]
    tested = [key for key in numeric if key.startswith(ROBUST) and key.count("/") == 2]
    others = sorted(key for key in numeric if not key.startswith("test/") and key not in tested)
    others += ["robust/<perturbation>/accuracy"] * bool(tested)
    raise RunError(f"unknown metric '{name}'; known: {', '.join(short + others)}")


def with_direction(metric: Metric, direction: str | None) -> Metric:
    """A metric with the direction that is declared for it, or else the given one.

    Args:
        metric: with or without one.
        direction: ``higher`` or ``lower``; None where it is not given.

    Raises:
        ConfigError: neither is there, or they contradict each other.
    """
    known = metric.higher_is_better
    if direction is None and known is None:
        raise ConfigError(
            f"{metric.key}: it is not known whether higher or lower is better; add --direction lower or "
            "--direction higher"
        )
    given = known if direction is None else HIGHER_IS_BETTER.get(direction)
    if given is None or known not in (None, given):
        expected = "higher or lower" if known is None else "higher" if known else "lower"
        raise ConfigError(f"direction of {metric.key}: expected {expected}, received '{direction}'")
    return replace(metric, higher_is_better=given)
