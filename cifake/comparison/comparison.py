"""The runs of one data set and split as groups of repeats, best first."""

import re
from dataclasses import dataclass, field, replace

import pandas as pd

from cifake.comparison.groups import Group, find_group, name_groups, rank_groups
from cifake.comparison.notes import note
from cifake.comparison.prediction_files import Predictions
from cifake.comparison.predictions import is_of_predictions, pairable
from cifake.comparison.run_notes import (
    different_adversaries,
    not_finite_notes,
    run_again_notes,
    sequential_notes,
    version_notes,
    with_finite_metric,
    without_metric_notes,
)
from cifake.comparison.run_source import RunSource
from cifake.comparison.runs import FEW_SEEDS, FOREIGN, GROUP, SEED, TABLE
from cifake.contract import (
    DATA_TAGS,
    ROBUST,
    TEST_IMAGES_TAG,
    WEIGHTED_ACCURACY,
    Metric,
    describe_metric,
)
from cifake.core.errors import RunError

SIZE = re.compile(r"\d+(\.0)?")  # other projects' runs may have any text
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
        hidden: how many groups are not shown.
        planned: whether the reference was named beforehand, not taken as the best of those shown.
        images: labels and object classes of the test images; None without any predictions.
        notes: what a reader must know about the runs.
    """

    store: RunSource
    metadata: dict
    metric: Metric
    groups: list[Group]
    reference: Group
    confidence: float
    images: Predictions | None
    notes: list[str] = field(default_factory=list)
    margin: float = 0.0
    planned: bool = False
    hidden: int = 0


def metric_title(comparison: Comparison) -> str:
    """The metric's title; its whole key where it is not of the test part."""
    return comparison.metric.title if comparison.metric.key.startswith("test/") else comparison.metric.key


def make_comparisons(
    store: RunSource,
    runs: pd.DataFrame,
    metric: Metric,
    top: int | None = None,
    baseline: str | None = None,
    confidence: float = 0.95,
    margin: float = 0.0,
) -> list[Comparison]:
    """One comparison for each table, that is each data set and split, with the predictions of its groups.

    ``runs`` are those of ``fetch_runs``; the baseline is kept even where it is not among the ``top``. The
    rest is as in ``compare``.

    Raises:
        RunError: no group, or more than one, goes by the baseline's name, or the metric is not of the same
            attack in all runs.
    """
    comparisons = []
    for _, of_data in runs.groupby(TABLE, sort=True):
        newest = of_data.drop_duplicates([GROUP, SEED])
        metadata = {key: " and ".join(sorted(set(newest[key]), reverse=True)) for key in DATA_TAGS}
        if metric.key == WEIGHTED_ACCURACY and (different := different_adversaries(newest)):
            raise RunError(
                f"{metric.key}: expected the same attack in all runs, found {different}; test them with one "
                "adversary, or choose runs with --variant"
            )
        counted, not_finite = with_finite_metric(newest, metric.key)
        ranks = {key: rank for rank, key in enumerate(rank_groups(counted, metric), start=1)}
        names = name_groups(counted, list(ranks))
        reference = find_group(baseline, names, metadata) if baseline else next(iter(ranks))
        kept = [key for key, rank in ranks.items() if top is None or rank <= top or key == reference]
        repeats = dict(list(counted.groupby(GROUP)))
        groups = {
            key: Group(names[key], ranks[key], repeats[key], {}, not_finite.get(key, ())) for key in kept
        }
        notes = [
            *not_finite_notes(groups.values(), metric.key),
            *without_metric_notes(newest, counted, groups.values(), metric.key),
            *version_notes(list(groups.values())),
            *run_again_notes(of_data, newest),
            *sequential_notes(newest, names),
        ]
        hidden = len(ranks) - len(kept)
        if hidden:
            notes.append(note("rows-not-shown", f"Rows left out: {hidden}."))
        images = _test_images(of_data, metric.key)
        comparison = Comparison(
            store=store,
            metadata={**metadata, TEST_IMAGES_TAG: images, "metric": metric.key},
            metric=metric,
            groups=list(groups.values()),
            reference=groups[reference],
            confidence=confidence,
            images=None,
            notes=notes,
            margin=margin,
            planned=baseline is not None,
            hidden=hidden,
        )
        comparisons.append(_with_predictions(comparison))
    if few := runs.attrs.get(FEW_SEEDS):
        comparisons[0].notes.append(note("few-seeds", f"Runs left out by --min-seeds: {few}."))
    if foreign := runs.attrs.get(FOREIGN):
        text = f"Runs left out, because they do not keep the run contract of this project: {foreign}."
        comparisons[0].notes.append(note("other-projects", text))
    return comparisons


def on_metric(comparison: Comparison, key: str) -> Comparison:
    """The same groups in the same order, with the predictions that another metric is of."""
    return _with_predictions(replace(comparison, metric=describe_metric(key), notes=[]))


def _with_predictions(comparison: Comparison) -> Comparison:
    if not is_of_predictions(comparison.metric.key):
        return comparison
    runs = pd.concat([group.runs for group in comparison.groups])
    names = {group.key: group.name for group in comparison.groups}
    usable, reasons = pairable(comparison.store, runs, names, comparison.metric.key)
    groups = {}
    for group in comparison.groups:
        ids = zip(group.runs["run_id"], group.runs[SEED], strict=True)
        scores = {str(seed): usable[run_id].scores for run_id, seed in ids if run_id in usable}
        if group.not_finite and group.mean(comparison.metric.key) is None:
            scores = {}  # no seed counts
        groups[group.key] = replace(group, scores=scores)
    return replace(
        comparison,
        groups=list(groups.values()),
        reference=groups.get(comparison.reference.key, comparison.reference),
        images=next(iter(usable.values()), None),
        notes=[*reasons, *comparison.notes],
    )


def _test_images(runs: pd.DataFrame, metric: str) -> int | None:
    """How many test images the metric is of; None where unknown or not the same in all runs."""
    images = ROBUST_IMAGES if metric.startswith(ROBUST) else f"{metric.rpartition('/')[0]}/images"
    sizes = set(runs[images].dropna() if images in runs else runs[TEST_IMAGES_TAG])
    size = str(sizes.pop()) if len(sizes) == 1 else ""
    return int(float(size)) if SIZE.fullmatch(size) else None
