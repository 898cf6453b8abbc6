"""Which runs of a row count, and which should not be compared without a word."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from cifake.comparison.groups import Group, name_list
from cifake.comparison.notes import note
from cifake.comparison.runs import GROUP, PARAMETER, SEED
from cifake.contract import (
    ADVERSARY_TAG,
    CODE_VERSION_TAG,
    DEFAULT_ADVERSARY,
    LIBRARIES_TAG,
    SEQUENTIAL_TAG,
    WEIGHTED_ACCURACY,
)


def with_finite_metric(runs: pd.DataFrame, key: str) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]]]:
    """Runs without those whose metric is not finite, and these runs' seeds by group.

    A run without the metric counts no more than they do, where others of its group have it. A group
    without any finite value keeps its runs.
    """
    finite = pd.Series(np.isfinite(runs[key]), runs.index)
    not_finite = runs[~finite & runs[key].notna()]
    none = ~finite.groupby(runs[GROUP]).transform("any")
    seeds = {str(name): tuple(sorted(part[SEED])) for name, part in not_finite.groupby(GROUP)}
    return runs.assign(**{key: runs[key].where(finite)})[finite | none], seeds


def not_finite_notes(groups: Iterable[Group], key: str) -> list[str]:
    """Which seeds do not count in their rows."""
    return [
        note(
            "not-finite",
            f"{group.name}: {key} of seed {name_list(group.not_finite)} is NaN or infinite; not counted.",
        )
        for group in groups
        if group.not_finite
    ]


def without_metric_notes(
    newest: pd.DataFrame, counted: pd.DataFrame, groups: Iterable[Group], key: str
) -> list[str]:
    """Which seeds have no value of the metric, where others of their row have one."""
    left_out = newest.drop(counted.index)
    seeds = dict(list(left_out[left_out[key].isna()].groupby(GROUP)[SEED]))
    return [
        note(
            "no-metric",
            f"{group.name}: seed {name_list(sorted(seeds[group.key]))} has no {key}; not counted.",
        )
        for group in groups
        if group.key in seeds
    ]


def version_notes(groups: list[Group]) -> list[str]:
    """Which rows are of which version of the code, if there are several and the rows' names do not say."""
    if PARAMETER + CODE_VERSION_TAG in groups[0].runs:
        return []
    by_version: dict[str, list[str]] = {}
    mixed = False
    mixed_libraries = len({libraries for group in groups for libraries in group.runs[LIBRARIES_TAG]}) > 1
    for group in groups:
        of_group: dict[tuple[str, str], list[str]] = {}
        columns = (group.runs[key] for key in (CODE_VERSION_TAG, LIBRARIES_TAG, SEED))
        for code, libraries, seed in zip(*columns, strict=True):
            of_group.setdefault((code, libraries), []).append(seed)
        mixed |= len(of_group) > 1
        for (code, libraries), seeds in sorted(of_group.items()):
            version = f"{code or 'unknown'}{f' ({libraries})' if mixed_libraries and libraries else ''}"
            which = f" (seed {name_list(sorted(seeds))})" if len(of_group) > 1 else ""
            by_version.setdefault(version, []).append(f"{group.name}{which}")
    if len(by_version) < 2:
        return []
    versions = "; ".join(f"{version} of {name_list(names)}" for version, names in by_version.items())
    advice = "--group-by code_version tells them apart" if mixed else "rows may differ by that alone"
    what = "code, libraries or backend" if mixed_libraries else "code"
    return [note("versions", f"Different {what}: code_version {versions}; {advice}.")]


def run_again_notes(runs: pd.DataFrame, newest: pd.DataFrame) -> list[str]:
    """How many runs are left out, since the same settings and seed were run again."""
    older = len(runs) - len(newest)
    text = f"Runs left out, because the same settings and seed were run again later: {older}."
    return [note("run-again", text)] if older else []


def sequential_notes(runs: pd.DataFrame, names: Mapping[str, str]) -> list[str]:
    """Which rows got seeds while their results were looked at; ``names`` are those of the groups."""
    notes = []
    for finding, looked in runs[runs[SEQUENTIAL_TAG] != ""].groupby(SEQUENTIAL_TAG):
        of = ", ".join(dict.fromkeys(names[key] for key in looked[GROUP] if key in names))
        text = f"{of}: seeds were added while the results were looked at, until: {finding}."
        notes.append(note("sequential", text))
    return notes


def different_adversaries(runs: pd.DataFrame) -> str:
    """Which runs have which attack in their weighted accuracy; empty where it is the same in all."""
    weighted = runs[runs[WEIGHTED_ACCURACY].notna()] if WEIGHTED_ACCURACY in runs else runs[:0]
    by_attack = weighted.groupby(weighted[ADVERSARY_TAG].replace("", DEFAULT_ADVERSARY))
    names = {
        attack: name_list(sorted(of_attack["variant"] + " seed " + of_attack[SEED]))
        for attack, of_attack in by_attack
    }
    return "; ".join(f"{attack} in {which}" for attack, which in names.items()) if len(names) > 1 else ""
