"""Which image belongs to which part: a pure function of the data set, never of the run's seed."""

from collections.abc import Mapping

import numpy as np

from cifake.core.errors import DataError

SPLIT_SEED = 20240122  # any number would do; changing it changes every dataset_digest
VALIDATION_SHARE = 0.2
SMALL = {"train": 800, "validation": 735, "test": 1000}
ALL_VALIDATION = 5000  # images that split=all keeps for validation


def make_split(
    is_test: np.ndarray, labels: np.ndarray, objects: np.ndarray, copies: np.ndarray
) -> dict[str, np.ndarray]:
    """Positions of the train, validation and test images.

    The official test images stay the test part, and training images that are copies of one
    are left out. Validation takes a fifth of every (label, object) stratum of the official
    training images, among those that have no copy anywhere, so no image stands in two parts.
    Each part is ordered so that every prefix of it is balanced over the strata.

    Args:
        is_test: bool [n], true for official test images.
        labels: int [n], 1 is FAKE.
        objects: str [n], the object class.
        copies: int [n], equal for images with identical pixels.
    """
    random = np.random.default_rng(SPLIT_SEED)
    strata = [
        np.flatnonzero((objects == name) & (labels == label))
        for name in np.unique(objects)
        for label in (0, 1)
    ]
    single = np.bincount(copies)[copies] == 1
    leaked = np.isin(copies, copies[is_test])
    parts: dict[str, list[np.ndarray]] = {"train": [], "validation": [], "test": []}
    for stratum in strata:
        stratum = random.permutation(stratum)
        official = stratum[~is_test[stratum]]
        validation = official[single[official]][: round(VALIDATION_SHARE * len(official))]
        parts["test"].append(stratum[is_test[stratum]])
        parts["validation"].append(validation)
        parts["train"].append(np.setdiff1d(official[~leaked[official]], validation, assume_unique=True))
    return {name: _interleave([random.permutation(s) for s in chosen]) for name, chosen in parts.items()}


def part_rows(sizes: Mapping[str, int], split: str) -> dict[str, slice]:
    """Where each part of a split lies in a data set stored as train, validation, test blocks.

    Args:
        sizes: images in each block, in the blocks' order.
        split: ``full``; ``small`` for the first images of each block; ``all`` for the last 5,000 validation
            images, with all others before them as training images.

    Raises:
        DataError: a block that is smaller than the split takes.
    """
    wanted = {"full": sizes, "small": SMALL, "all": {**sizes, "validation": ALL_VALIDATION}}[split]
    for name, size in sizes.items():
        if wanted[name] > size:
            raise DataError(
                f"split '{split}' takes {wanted[name]:,} {name} images, there are {size:,}; use split=full"
            )
    train, test = sizes["train"], sizes["train"] + sizes["validation"]
    if split == "all":
        train = test - ALL_VALIDATION
        wanted = {**wanted, "train": train}
    starts = {"train": 0, "validation": train, "test": test}
    return {name: slice(start, start + wanted[name]) for name, start in starts.items()}


def _interleave(strata: list[np.ndarray]) -> np.ndarray:
    """One image of every stratum in turn, as long as each lasts."""
    rank = np.concatenate([np.arange(len(stratum)) for stratum in strata])
    which = np.repeat(np.arange(len(strata)), [len(stratum) for stratum in strata])
    return np.concatenate(strata)[np.lexsort((which, rank))]
