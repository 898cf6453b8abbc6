"""Which test images have a near-copy in training, by the pairs that an audit has written."""

from pathlib import Path

import numpy as np
import pandas as pd

from cifake.comparison.comparison import Comparison
from cifake.comparison.predictions import image_paths
from cifake.comparison.runs import SEED
from cifake.contract import NEAR_COPIES_COLUMNS, OTHER_SETS
from cifake.core.errors import RunError

COMMAND = "python -m cifake.audit near=true"


def find_near_copies(comparison: Comparison, file: str) -> np.ndarray:
    """Test images with a near-copy of the same label among training and validation images: bool [n].

    Args:
        comparison: with predictions.
        file: pairs of near-copies, a CSV file of the columns NEAR_COPIES_COLUMNS.

    Raises:
        RunError: it cannot be read, is of another data set, or has no test image of the comparison.
    """
    if comparison.metric.key.startswith(OTHER_SETS):
        raise RunError(f"near_copies: expected a metric of the test images, received {comparison.metric.key}")
    pairs = _read(Path(file))
    digest = comparison.metadata["dataset_digest"].partition("-")[0]  # without the split
    if others := sorted(set(pairs["dataset_digest"]) - {digest}):
        raise RunError(
            f"{file}: expected near-copies of the runs' data set {digest}, received those of {others[0]}; "
            f"write it with {COMMAND} and the same CIFAKE_DATA, or choose runs with --filter"
        )
    pairs = pairs[pairs["first_label"] == pairs["second_label"]]
    is_test = [pairs[f"{place}_part"] == "test" for place in ("first", "second")]
    across = is_test[0] != is_test[1]
    names = [*pairs["first"][across & is_test[0]], *pairs["second"][across & is_test[1]]]
    group = next(group for group in comparison.groups if group.scores)
    run = group.runs[group.runs[SEED].astype(str) == next(iter(group.scores))]
    near = np.isin(image_paths(comparison.store, run, comparison.metric.key), names)
    if not near.any():
        raise RunError(f"{file}: no test image of the runs has a near-copy in training, so no score changes")
    return near


def _read(file: Path) -> pd.DataFrame:
    try:
        pairs = pd.read_csv(file, dtype={"dataset_digest": str})
    except OSError as error:
        raise RunError(f"{file} cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise RunError(f"{file} cannot be read as CSV ({error})") from None
    if missing := [column for column in NEAR_COPIES_COLUMNS if column not in pairs]:
        raise RunError(
            f"{file}: expected the columns that {COMMAND} writes, received none named {missing[0]}"
        )
    return pairs
