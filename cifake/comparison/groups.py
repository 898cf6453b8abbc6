"""Repeats of one variant as a group: their order and their names."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cifake.comparison.runs import GROUP, PARAMETER, SEED
from cifake.config.settings import NOT_HASHED
from cifake.contract import CONFIG_HASH_TAG, VARIANT_TAG, Metric
from cifake.core.errors import RunError

# Params that tell no groups apart: those of the data are the same, or do not matter, in one comparison.
NO_SETTINGS = tuple(f"{PARAMETER}{key}" for key in (VARIANT_TAG, "dataset", "dataset_name", *NOT_HASHED))
NAMES_LISTED = 20
HARMLESS = (f"{PARAMETER}validation_steps",)  # how training is watched, not how it is done


@dataclass(frozen=True)
class Group:
    """The repeats of one variant: runs whose settings differ in the seed alone.

    Attributes:
        name: the variant, with the settings that tell it from groups of the same variant.
        rank: from 1.
        runs: one row a seed.
        scores: the probability of FAKE by seed, float [n] each, of runs with usable predictions.
        not_finite: seeds that are left out because their ranking metric is NaN or infinite.
    """

    name: str
    rank: int
    runs: pd.DataFrame
    scores: dict[str, np.ndarray]
    not_finite: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What its runs share: the config_hash, and the value of the tag that runs are grouped by."""
        return str(self.runs[GROUP].iloc[0])

    @property
    def config_hash(self) -> str:
        """Of its settings without the seed."""
        return str(self.runs[CONFIG_HASH_TAG].iloc[0])

    @property
    def partly_predicted(self) -> bool:
        """Whether some of its seeds, but not all, have usable predictions: tests are on fewer than means."""
        return 0 < len(self.scores) < len(self.runs)

    def values(self, key: str) -> np.ndarray:
        """A metric of the seeds that have a finite one: float [seeds]."""
        values = self.runs[key].to_numpy(float) if key in self.runs else np.array([])
        return np.asarray(values[np.isfinite(values)])

    def mean(self, key: str) -> float | None:
        """The mean of a metric over seeds; None where no run has it."""
        values = self.values(key)
        return float(values.mean()) if len(values) else None

    def deviation(self, key: str) -> float | None:
        """The standard deviation of a metric over seeds; None with fewer than two."""
        values = self.values(key)
        return float(values.std(ddof=1)) if len(values) > 1 else None

    @cached_property
    def settings(self) -> dict[str, str]:
        """Its settings as text by key, without the seed, the variant's name and those that are None."""
        first = self.runs.iloc[0].to_dict()
        return {
            str(key): str(value)
            for key, value in first.items()
            if str(key).startswith(PARAMETER)
            and key not in NO_SETTINGS
            and not pd.isna(value)
            and value != "None"
        }


def rank_groups(runs: pd.DataFrame, metric: Metric) -> list[str]:
    """The groups' keys, best first, groups without the metric last."""
    means = runs.groupby(GROUP).agg(value=(metric.key, "mean"), variant=(VARIANT_TAG, "min"))
    ascending = [not metric.higher_is_better, True]
    return list(means.sort_values(["value", "variant"], ascending=ascending).index)


def name_groups(runs: pd.DataFrame, keys: Sequence[str]) -> dict[str, str]:
    """The variants' names; settings that differ tell groups of the same variant apart.

    Where there are none, other params do, and else the config_hash: no two groups have one name.
    """
    firsts = runs.drop_duplicates(GROUP).set_index(GROUP)
    variants = runs.drop_duplicates([GROUP, VARIANT_TAG]).sort_values(VARIANT_TAG)
    names = {str(key): "/".join(each[VARIANT_TAG]) for key, each in variants.groupby(GROUP)}
    params = [key for key in runs if str(key).startswith(PARAMETER) and key != SEED]
    for columns in ([key for key in params if key not in NO_SETTINGS], params, [CONFIG_HASH_TAG]):
        for name in [name for name, count in Counter(names.values()).items() if count > 1]:
            same = firsts.loc[[key for key in keys if names[key] == name]][columns]
            differing = same[[key for key in columns if len(same[key].unique()) > 1]]
            for key, row in differing.iterrows():
                values = [
                    f"{str(setting).removeprefix(PARAMETER)}={value}"
                    for setting, value in row.dropna().items()
                ]
                names[str(key)] = " ".join([name, *values])
    return names


def name_list(groups: Sequence[str], most: int = 6) -> str:
    """``a, b and c``; long lists end in a count."""
    shown = [*groups] if len(groups) <= most else [*groups[: most - 1], f"{len(groups) - most + 1} others"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def find_group(name: str, names: dict[str, str], metadata: dict[str, str]) -> str:
    """The key of the group that goes by a name, or of a variant's only group.

    Raises:
        RunError: none does, or more than one.
    """
    exact = [key for key, known in names.items() if known == name]
    matching = exact or [key for key, known in names.items() if known.startswith(f"{name} ")]
    if len(matching) != 1:
        fault = "fits more than one row" if matching else "is not among the rows"
        there = ", ".join(f"'{known}'" for known in sorted(names.values())[:NAMES_LISTED])
        data = f"{metadata['dataset']}, split {metadata['split']}"
        raise RunError(
            f"the baseline '{name}' {fault} of {data}; there are: {there} (--split chooses the data)"
        )
    return matching[0]
