"""The runs of one data set and split as groups of repeats, best first."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from cifake.comparison.groups import Group, find_group, name_groups, rank_groups
from cifake.comparison.prediction_files import Predictions
from cifake.comparison.predictions import is_of_predictions, pairable
from cifake.comparison.run_store import RunStore
from cifake.comparison.runs import SEED
from cifake.contract import (
    CONFIG_HASH_TAG,
    DATA_TAGS,
    ROBUST,
    TEST_IMAGES_TAG,
    Metric,
    describe_metric,
)

ROBUST_IMAGES = f"{ROBUST}images"  # how many test images a robustness test took


@dataclass(frozen=True)
class Comparison:
    """What is compared in one table.

    Attributes:
        store: that the runs are from.
        metadata: data set, split, digest, number of test images (None where unknown), the metric's key.
        metric: what groups are ranked by; it has a direction.
        groups: those shown, best first.
        reference: the one that differences are taken from.
        confidence: level of intervals and tests.
        margin: a difference that does not matter; one surely within it is equivalent.
        planned: whether the reference was named beforehand, not taken as the best of those shown.
        images: labels and object classes of the test images; None without any predictions.
        notes: what a reader must know about the runs.
    """

    store: RunStore
    metadata: dict
    metric: Metric
    groups: list[Group]
    reference: Group
    confidence: float
    images: Predictions | None
    notes: list[str] = field(default_factory=list)
    margin: float = 0.0
    planned: bool = False


def metric_title(comparison: Comparison) -> str:
    """The metric's title; its whole key where it is not of the test part."""
    return comparison.metric.title if comparison.metric.key.startswith("test/") else comparison.metric.key


def make_comparisons(
    store: RunStore,
    runs: pd.DataFrame,
    metric: Metric,
    top: int | None = None,
    baseline: str | None = None,
    confidence: float = 0.95,
    margin: float = 0.0,
) -> list[Comparison]:
    """One comparison for each data set and split, with the predictions of the groups shown.

    Args:
        store: that the runs are from.
        runs: see ``fetch_runs``.
        metric: with a direction.
        top: groups to keep in each; None keeps all. The baseline is kept in any case.
        baseline: the group or variant to take differences from; None is the best one.
        confidence: level of intervals and tests.
        margin: a difference that does not matter.

    Raises:
        RunError: no group, or more than one, goes by the baseline's name.
    """
    by_data = runs.groupby(["dataset", "split", "dataset_digest"], sort=True)
    return [_make_comparison(store, part, metric, top, baseline, confidence, margin) for _, part in by_data]


def _make_comparison(
    store: RunStore,
    runs: pd.DataFrame,
    metric: Metric,
    top: int | None,
    baseline: str | None,
    confidence: float,
    margin: float,
) -> Comparison:
    newest = runs.drop_duplicates([CONFIG_HASH_TAG, SEED])
    metadata = {key: str(runs[key].iloc[0]) for key in DATA_TAGS}
    ranks = {key: rank for rank, key in enumerate(rank_groups(newest, metric), start=1)}
    names = name_groups(newest, list(ranks))
    reference = find_group(baseline, names, metadata) if baseline else next(iter(ranks))
    kept = [key for key, rank in ranks.items() if top is None or rank <= top or key == reference]
    repeats = dict(list(newest[newest[CONFIG_HASH_TAG].isin(kept)].groupby(CONFIG_HASH_TAG)))
    usable, notes = _predictions(store, pd.concat(repeats.values()), names, metric)
    groups = {
        key: Group(names[key], ranks[key], repeats[key], _by_seed(repeats[key], usable)) for key in kept
    }
    if len(newest) < len(runs):
        older = len(runs) - len(newest)
        notes.append(f"Runs left out, because the same settings and seed were run again later: {older}.")
    if len(kept) < len(ranks):
        notes.append(f"Rows not shown: {len(ranks) - len(kept)}.")
    return Comparison(
        store=store,
        metadata={**metadata, TEST_IMAGES_TAG: _test_images(runs, metric.key), "metric": metric.key},
        metric=metric,
        groups=list(groups.values()),
        reference=groups[reference],
        confidence=confidence,
        images=next(iter(usable.values()), None),
        notes=notes,
        margin=margin,
        planned=baseline is not None,
    )


def on_metric(comparison: Comparison, key: str) -> Comparison:
    """The same groups in the same order, with the predictions that another metric is of."""
    runs = pd.concat([group.runs for group in comparison.groups])
    names = {group.config_hash: group.name for group in comparison.groups}
    metric = describe_metric(key)
    usable, notes = _predictions(comparison.store, runs, names, metric)
    groups = [replace(group, scores=_by_seed(group.runs, usable)) for group in comparison.groups]
    images = next(iter(usable.values()), None)
    return replace(comparison, metric=metric, groups=groups, images=images, notes=notes)


def _predictions(
    store: RunStore, runs: pd.DataFrame, names: dict[str, str], metric: Metric
) -> tuple[dict[str, Predictions], list[str]]:
    return pairable(store, runs, names, metric.key) if is_of_predictions(metric.key) else ({}, [])


def _by_seed(runs: pd.DataFrame, usable: Mapping[str, Predictions]) -> dict[str, np.ndarray]:
    return {
        str(seed): usable[run_id].scores
        for run_id, seed in zip(runs["run_id"], runs[SEED], strict=True)
        if run_id in usable
    }


def _test_images(runs: pd.DataFrame, metric: str) -> int | None:
    """How many test images the metric is of; None where unknown or not the same in all runs."""
    images = ROBUST_IMAGES if metric.startswith(ROBUST) else f"{metric.rpartition('/')[0]}/images"
    sizes = set(runs[images].dropna() if images in runs else runs[TEST_IMAGES_TAG])
    return int(sizes.pop()) if len(sizes) == 1 and sizes.isdisjoint({""}) else None
