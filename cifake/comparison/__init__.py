"""Compare tracked runs, without Keras or TensorFlow."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cifake.comparison.report import Report

__all__ = ["VIEW_NAMES", "compare"]

VIEW_NAMES = (
    "leaderboard", "pairwise", "settings", "slices", "pareto", "curves", "calibration", "trials",
    "robustness",
)  # fmt: skip


def compare(
    metric: str = "f1",
    *,
    experiments: Sequence[str] = (),
    variants: Sequence[str] = (),
    split: str | None = None,
    where: str = "",
    top: int | None = None,
    baseline: str | None = None,
    confidence: float = 0.95,
    tracking_uri: str | None = None,
) -> "Report":
    """Compare finished runs: ``compare("f1").slices()``.

    Args:
        metric: of the test part (``f1``, ``accuracy``, ``loss`` ...), or a whole key (``val/loss``).
        experiments: names; none means MLFLOW_EXPERIMENT_NAME, or else ``cifake`` and ``Default``.
        variants: only these; none means all.
        split: ``full``, ``small`` or ``all``; None means each, in a table of its own.
        where: a filter in MLflow's search language: ``params.optimizer = 'adam'``.
        top: how many groups to show; None shows all.
        baseline: what differences are taken from; None is the best group.
        confidence: level of intervals and tests.
        tracking_uri: the store; None is MLflow's own choice.

    Returns:
        A report, which is its leaderboard, and has the other views as methods.

    Raises:
        RunError: a store, experiment, variant, metric or baseline that is not there.
    """
    from cifake.comparison.report import Report  # MLflow takes a second to import
    from cifake.comparison.runs import fetch_runs

    runs = fetch_runs(tracking_uri, experiments, variants, split, where)
    return Report(runs, metric, top, baseline, confidence)
