"""Compare tracked runs, without Keras or TensorFlow."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from cifake.comparison.report import Report
    from cifake.comparison.run_source import RunSource

__all__ = ["VIEW_NAMES", "compare"]

Direction = Literal["higher", "lower"]
ViewName = Literal[
    "leaderboard", "pairwise", "settings", "pivot", "slices", "images", "pareto", "curves", "calibration",
    "noise", "trials", "robustness", "test_sets", "near_copies", "runs",
]  # fmt: skip
VIEW_NAMES: tuple[str, ...] = get_args(ViewName)


def compare(
    metric: str = "f1",
    *,
    direction: Direction | None = None,
    experiments: Sequence[str] = (),
    variants: Sequence[str] = (),
    split: str | None = None,
    where: str = "",
    group_by: str | None = None,
    min_seeds: int = 1,
    top: int | None = None,
    baseline: str | None = None,
    confidence: float = 0.95,
    margin: float = 0.0,
    tracking_uri: str | None = None,
    results: Path | str | None = None,
) -> "Report":
    """Compare finished runs: ``compare("f1").slices()``.

    Args:
        metric: of the test part (``f1``, ``accuracy``, ``loss`` ...), or a whole key (``val/loss``).
        direction: which values are better, for a metric whose direction is not declared.
        experiments: names; none means MLFLOW_EXPERIMENT_NAME or _ID, or else ``cifake`` and ``Default``.
        variants: only these; none means all.
        split: ``full``, ``small`` or ``all``; None means each, in a table of its own. ``full,all`` are
            compared in one table: their test images are the same.
        where: a filter in MLflow's search language: ``params.optimizer = 'adam'``.
        group_by: a tag or param whose values are told apart as if it were a setting: ``code_version``.
        min_seeds: only variants of which so many seeds have the metric.
        top: how many groups to show; None shows all.
        baseline: what differences are taken from; None is the best group.
        confidence: level of intervals and tests.
        margin: a difference that does not matter: one that is surely within it is called equivalent.
        tracking_uri: the store; None is MLflow's own choice, or none where there are ``results``.
        results: a folder of published results; those of a store that is named as well stand beside them, in
            rows of their own unless ``group_by`` is given.

    Returns:
        A report, which is its leaderboard, and has the other views as methods.

    Raises:
        ConfigError: a metric of unknown direction, a tag or param that no run has.
        RunError: a store, experiment, variant, metric or baseline that is not there.
    """
    from cifake.comparison.report import Report  # MLflow takes a second to import
    from cifake.comparison.results.published import SOURCE
    from cifake.comparison.runs import fetch_runs

    store = open_source(tracking_uri, results)
    apart = SOURCE if results and tracking_uri else None
    runs = fetch_runs(store, experiments, variants, split, where, group_by or apart)
    return Report(store, runs, metric, direction, top, baseline, confidence, margin, min_seeds)


def open_source(tracking_uri: str | None = None, results: Path | str | None = None) -> "RunSource":
    """Where runs are read from: a store, published results, or both; see ``compare``.

    Raises:
        RunError: one of them cannot be read.
    """
    from cifake.comparison.results.published import PublishedResults, StoreAndResults
    from cifake.comparison.run_store import RunStore

    if results is None:
        return RunStore(tracking_uri)
    published = PublishedResults(Path(results))
    return StoreAndResults(RunStore(tracking_uri), published) if tracking_uri else published
