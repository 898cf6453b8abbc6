"""Near-copies of a data set by part and label, without byte-identical copies."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cifake.audit.near_copies import LOWEST, find_near_copies
from cifake.contract import LABELS, NEAR_COPIES_COLUMNS
from cifake.data import DIGITS
from cifake.data.cache import Cached

ACROSS_LABELS = "across_labels"


def find_pairs(cached: Cached, copies: Mapping[str, Sequence[Sequence[str]]]) -> pd.DataFrame:
    """Pairs of images with a similarity from LOWEST up, the most similar first.

    Args:
        cached: the data set; training files that are copies of test images are not in it.
        copies: groups of byte-identical files, whose pairs are left out.

    Returns:
        NEAR_COPIES_COLUMNS, and ``first_row`` and ``second_row``, the places of the images.
    """
    near = find_near_copies(cached.images, LOWEST)
    parts = np.repeat(list(cached.sizes), list(cached.sizes.values()))
    columns: dict[str, Any] = {"similarity": near.similarity}
    for name, rows in (("first", near.first), ("second", near.second)):
        columns[name] = cached.index["path"][rows]
        columns[f"{name}_part"] = parts[rows]
        columns[f"{name}_label"] = np.array(LABELS)[cached.index["label"][rows]]
        columns[f"{name}_row"] = rows
    pairs = pd.DataFrame({**columns, "dataset_digest": cached.digest[:DIGITS]})
    group = {name: number for number, names in enumerate(_all(copies)) for name in names}
    identical = pairs["first"].map(group) == pairs["second"].map(group)  # NaN, of no group, equals nothing
    return pairs[~identical].reset_index(drop=True)


def count_pairs(pairs: pd.DataFrame) -> dict[str, Any]:
    """How many pairs there are by part and label, and how many test images have one in training.

    Pairs across labels are false alarms: no photograph has a generated copy.
    """
    is_test = (pairs["first_part"] == "test").astype(int) + (pairs["second_part"] == "test").astype(int)
    where = is_test.map({0: "within_train", 1: "across_train_and_test", 2: "within_test"})
    same = pairs["first_label"] == pairs["second_label"]
    label = pairs["first_label"].where(same, ACROSS_LABELS)
    counts = {
        name: {each: int(((where == name) & (label == each)).sum()) for each in (*LABELS, ACROSS_LABELS)}
        for name in ("within_train", "within_test", "across_train_and_test")
    }
    across = pairs[same & (is_test == 1)]
    names = across["second"].where(across["second_part"] == "test", across["first"])
    labels = across.loc[~names.duplicated(), "first_label"]
    of_test = {each: int((labels == each).sum()) for each in LABELS}
    return {"pairs": counts, "test_images_with_a_near_copy_in_training": of_test}


def write_pairs(pairs: pd.DataFrame, file: Path) -> None:
    """Write pairs as CSV."""
    pairs[[*NEAR_COPIES_COLUMNS]].to_csv(file, index=False, float_format="%.4f")


def _all(copies: Mapping[str, Sequence[Sequence[str]]]) -> list[Sequence[str]]:
    return [group for where, groups in copies.items() if where != ACROSS_LABELS for group in groups]
