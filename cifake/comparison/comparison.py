"""The runs of one data set and split as groups of repeats, best first."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from cifake.comparison.groups import SEED, Group, find_group, name_groups, rank_groups
from cifake.comparison.predictions import Predictions, is_of_predictions, pairable
from cifake.comparison.runs import PARAMETER
from cifake.contract import OF_PREDICTIONS, ROBUST, Metric, describe_metric
from cifake.core.errors import RunError

ROBUST_IMAGES = "robust/images"  # how many test images a robustness test took


@dataclass(frozen=True)
class Comparison:
    """What is compared in one table.

    Attributes:
        about: data set, split, digest, number of test images (None where unknown), metric.
        metric: the metric's key.
        groups: those shown, best first.
        reference: the one that differences are taken from.
        confidence: level of intervals and tests.
        images: labels and object classes of the test images; None without any predictions.
        notes: what a reader must know about the runs.
    """

    about: dict
    metric: str
    groups: list[Group]
    reference: Group
    confidence: float
    images: Predictions | None
    notes: list[str] = field(default_factory=list)

    @property
    def described(self) -> Metric:
        """The metric's title, direction and form."""
        return describe_metric(self.metric)


def find_metric(runs: pd.DataFrame, name: str) -> str:
    """The key of a metric given in short (``f1``) or whole (``val/loss``).

    Raises:
        RunError: no run has it; names those there are.
    """
    numeric = [
        c for c in runs.columns if not c.startswith(PARAMETER) and pd.api.types.is_float_dtype(runs[c])
    ]
    for key in (f"test/{name}", name):
        if key in numeric:
            return key
    short = [name for name in OF_PREDICTIONS if f"test/{name}" in numeric]
    tested = [key for key in numeric if key.startswith(ROBUST) and key.count("/") == 2]
    others = sorted(key for key in numeric if not key.startswith("test/") and key not in tested)
    others += ["robust/<perturbation>/accuracy"] * bool(tested)
    raise RunError(f"unknown metric '{name}'; known: {', '.join(short + others)}")


def make_comparisons(
    runs: pd.DataFrame,
    metric: str,
    top: int | None = None,
    baseline: str | None = None,
    confidence: float = 0.95,
) -> list[Comparison]:
    """One comparison for each data set and split, with the predictions of the groups shown.

    Args:
        runs: see ``fetch_runs``.
        metric: a metric's key.
        top: groups to keep in each; None keeps all. The baseline is kept in any case.
        baseline: the group or variant to take differences from; None is the best one.
        confidence: level of intervals and tests.

    Raises:
        RunError: no group, or more than one, goes by the baseline's name.
    """
    by_data = runs.groupby(["dataset", "split", "dataset_digest"], sort=True)
    return [_make_comparison(part, metric, top, baseline, confidence) for _, part in by_data]


def _make_comparison(
    runs: pd.DataFrame, metric: str, top: int | None, baseline: str | None, confidence: float
) -> Comparison:
    newest = runs.drop_duplicates(["config_hash", SEED])
    about = {key: str(runs[key].iloc[0]) for key in ("dataset", "split", "dataset_digest")}
    ranks = {key: rank for rank, key in enumerate(rank_groups(newest, metric), start=1)}
    names = name_groups(newest, list(ranks))
    reference = find_group(baseline, names, about) if baseline else next(iter(ranks))
    shown = [key for key, rank in ranks.items() if top is None or rank <= top or key == reference]
    repeats = dict(list(newest[newest["config_hash"].isin(shown)].groupby("config_hash")))
    usable, notes = _predictions(pd.concat(repeats.values()), names, metric)
    groups = {
        key: Group(names[key], ranks[key], repeats[key], _by_seed(repeats[key], usable)) for key in shown
    }
    if len(newest) < len(runs):
        older = len(runs) - len(newest)
        notes.append(f"Runs left out, because the same settings and seed were run again later: {older}.")
    if len(shown) < len(ranks):
        notes.append(f"Rows not shown: {len(ranks) - len(shown)}.")
    return Comparison(
        about={**about, "test_images": _test_images(runs, metric), "metric": metric},
        metric=metric,
        groups=list(groups.values()),
        reference=groups[reference],
        confidence=confidence,
        images=next(iter(usable.values()), None),
        notes=notes,
    )


def on_metric(comparison: Comparison, metric: str) -> Comparison:
    """The same groups in the same order, with the predictions that another metric is of."""
    runs = pd.concat([group.runs for group in comparison.groups])
    names = {group.runs["config_hash"].iloc[0]: group.name for group in comparison.groups}
    usable, notes = _predictions(runs, names, metric)
    groups = [replace(group, scores=_by_seed(group.runs, usable)) for group in comparison.groups]
    images = next(iter(usable.values()), None)
    return replace(comparison, metric=metric, groups=groups, images=images, notes=notes)


def _predictions(
    runs: pd.DataFrame, names: dict[str, str], metric: str
) -> tuple[dict[str, Predictions], list[str]]:
    return pairable(runs, names, metric) if is_of_predictions(metric) else ({}, [])


def _by_seed(runs: pd.DataFrame, usable: dict[str, Predictions]) -> dict[str, np.ndarray]:
    return {
        str(seed): usable[run_id].scores
        for run_id, seed in zip(runs["run_id"], runs[SEED], strict=True)
        if run_id in usable
    }


def _test_images(runs: pd.DataFrame, metric: str) -> int | None:
    """How many test images the metric is of; None where unknown or not the same in all runs."""
    robust = metric.startswith(ROBUST) and ROBUST_IMAGES in runs
    sizes = set(runs[ROBUST_IMAGES].dropna() if robust else runs["test_images"])
    return int(sizes.pop()) if len(sizes) == 1 and sizes.isdisjoint({""}) else None
