"""Files of per-image predictions: fetched in parallel, checked, and cached."""

import contextlib
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from cifake.comparison.run_source import PredictionsFile, RunSource
from cifake.contract import predictions_schema
from cifake.core.errors import RunError
from cifake.core.files import exclusive, written_aside
from cifake.core.reasons import reason

DOWNLOADS = 8  # at a time


class NoPredictions(RunError):  # noqa: N818, many runs have none
    """A file of predictions that a run does not have."""


@dataclass(frozen=True)
class Predictions:
    """What one run said of its test images.

    Attributes:
        labels: int8 [n], 1 is FAKE.
        objects: int16 [n], the object class by its place in ``names``.
        names: str [k], of the object classes.
        scores: float32 [n], the probability of FAKE.
        images: a hash of the images' paths and labels in order; with equal hashes, runs can be paired.
    """

    labels: np.ndarray
    objects: np.ndarray
    names: np.ndarray
    scores: np.ndarray
    images: np.ndarray


def fetch_predictions(store: RunSource, files: Sequence[PredictionsFile]) -> dict[str, Predictions | str]:
    """Predictions by run id, or the reason why there are none that can be used.

    What was read once is kept in the user's cache directory, if that can be written.
    """
    cached = {file: _cached(store, file) for file in files}  # threads would only wait for each other
    missing = [file for file in files if not cached[file]]
    with ThreadPoolExecutor(DOWNLOADS) as pool:
        fetched = dict(zip(missing, pool.map(lambda file: _fetch(store, file), missing), strict=True))
    return {file.run_id: cached[file] or fetched[file] for file in files}


def _cached(store: RunSource, file: PredictionsFile) -> Predictions | None:
    """None where they are not there, or damaged: they are read again."""
    with contextlib.suppress(Exception):  # NumPy and zipfile have many for a damaged file
        if path := _cache_path(store, file):
            with np.load(path) as arrays:
                return Predictions(**arrays)
    return None


def _fetch(store: RunSource, file: PredictionsFile) -> Predictions | str:
    try:
        predictions = _check(read_table(store, file))
    except RunError as error:
        return str(error)
    if path := _cache_path(store, file):
        # A cache is optional: a disk that has become full is not a reason to stop.
        with (
            contextlib.suppress(OSError),
            exclusive(path.parent),
            written_aside(path) as unfinished,
            unfinished.open("wb") as stream,
        ):
            np.savez(stream, **vars(predictions))
    return predictions


def _cache_path(store: RunSource, file: PredictionsFile) -> Path | None:
    return store.cache / f"{file.cache_name}.npz" if store.cache else None


def read_table(store: RunSource, file: PredictionsFile) -> pa.Table:
    """A run's predictions as they are stored.

    Raises:
        NoPredictions: the run has no such file.
        RunError: it cannot be read.
    """
    try:
        return store.predictions(file).cast(predictions_schema())
    except FileNotFoundError:
        raise NoPredictions(f"has no {file.file}") from None
    except RunError:
        raise
    except Exception as error:  # noqa: BLE001, of any storage's library; one run does not cost the table
        raise RunError(f"{file.file} cannot be read ({reason(error)})") from None


def _check(table: pa.Table) -> Predictions:
    if any(column.null_count for column in table.columns):
        raise RunError("has predictions with empty cells")
    labels, scores = table["label"].to_numpy(), table["score"].to_numpy()
    if not np.all((scores >= 0) & (scores <= 1)):  # NaN is neither
        raise RunError("has scores that are not probabilities")
    objects = table["object"].combine_chunks().dictionary_encode()
    return Predictions(
        labels=labels,
        objects=objects.indices.to_numpy().astype(np.int16),
        names=np.array(objects.dictionary.to_pylist()),
        scores=scores,
        images=np.array(hash_images(table["path"].to_pylist(), labels)),
    )


def hash_images(paths: Sequence[str], labels: np.ndarray) -> str:
    """Tells test images from others by their paths and labels (int8 [n]), in order."""
    digest = hashlib.sha256("\n".join(paths).encode())
    digest.update(labels.tobytes())
    return digest.hexdigest()[:16]


def read_paths(store: RunSource, file: PredictionsFile) -> list[str]:
    """The paths of the images that predictions are of, in order.

    Raises:
        RunError: they cannot be read.
    """
    return list(read_table(store, file)["path"].to_pylist())
