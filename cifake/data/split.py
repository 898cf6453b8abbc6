"""Training, validation and test parts: a pure function of the data set, independent of the run's seed."""

from collections.abc import Mapping

import numpy as np

from cifake.contract import LABELS
from cifake.core.errors import DataError

SPLIT_SEED = 20240122  # an arbitrary number; changing it changes every dataset_digest
VALIDATION_SHARE = 0.2
SMALL = {"train": 800, "validation": 735, "test": 1000}
ALL_VALIDATION = 5000  # images that split=all keeps for validation


def make_split(
    is_test: np.ndarray, labels: np.ndarray, objects: np.ndarray, copies: np.ndarray
) -> dict[str, np.ndarray]:
    """Positions of the training, validation and test images.

    The test part is the official one; training images that are copies of a test image are left out.
    Validation takes a fifth of every (label, object) stratum of the official training images, chosen from
    those without any copy, so that no image is in two parts. Each part is ordered so that every prefix of it
    is balanced over the strata.

    Args:
        is_test: bool [n], true for official test images.
        labels: int [n], 1 is FAKE.
        objects: str [n], the object class.
        copies: int [n], equal for images with identical pixels.

    Returns:
        int [m] for each part, by name.
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
    """Rows of each part of a split, in a data set stored as train, validation and test blocks.

    Args:
        sizes: images in each block, in the blocks' order.
        split: ``full``; ``small`` for the first images of each block; ``all`` for the last 5,000 validation
            images, with all others before them as training images.

    Raises:
        DataError: a block is smaller than the split takes.
    """
    wanted = {"full": sizes, "small": SMALL, "all": {**sizes, "validation": ALL_VALIDATION}}[split]
    for name, size in sizes.items():
        if wanted[name] > size:
            raise DataError(
                f"split: expected {wanted[name]:,} {name} images or more for split={split}, "
                f"received {size:,}; use split=full"
            )
    train, test = sizes["train"], sizes["train"] + sizes["validation"]
    if split == "all":
        train = test - ALL_VALIDATION
        wanted = {**wanted, "train": train}
    starts = {"train": 0, "validation": train, "test": test}
    return {name: slice(start, start + wanted[name]) for name, start in starts.items()}


def count_labels(labels: np.ndarray) -> dict[str, int]:
    """Images of each label, by its name; ``labels`` is int [n], 1 is FAKE."""
    return dict(zip(LABELS, np.bincount(labels, minlength=len(LABELS)).tolist(), strict=True))


def find_empty_part(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Why parts cannot be trained or tested on: one has no images of a label; empty if all have."""
    for part, labels in counts.items():
        for label, count in labels.items():
            if not count:
                return (
                    f"expected {' and '.join(LABELS)} images in every part, received no {label} images in "
                    f"the {part} part (copies of test images leave the training part); add images"
                )
    return ""


def _interleave(strata: list[np.ndarray]) -> np.ndarray:
    """Take one image of every stratum in turn, while it has any."""
    rank = np.concatenate([np.arange(len(stratum)) for stratum in strata])
    which = np.repeat(np.arange(len(strata)), [len(stratum) for stratum in strata])
    return np.concatenate(strata)[np.lexsort((which, rank))]
