"""Files of per-image predictions: fetched in parallel, checked, and cached."""

import contextlib
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cifake.comparison.run_store import RunStore
from cifake.contract import predictions_schema
from cifake.core.errors import RunError
from cifake.core.files import exclusive, written_aside
from cifake.core.reasons import reason

DOWNLOADS = 8  # at a time


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


@dataclass(frozen=True)
class PredictionsFile:
    """Where a run's predictions are.

    Attributes:
        run_id: the run.
        artifacts: their address.
        file: the path among them.
        cache_name: with the same name it always has the same content.
    """

    run_id: str
    artifacts: str
    file: str
    cache_name: str


def fetch_predictions(store: RunStore, files: Sequence[PredictionsFile]) -> dict[str, Predictions | str]:
    """Predictions by run id, or the reason why there are none that can be used.

    What was read once is kept in the user's cache directory, if that can be written.
    """
    cache = store.cache
    with ThreadPoolExecutor(DOWNLOADS) as pool:
        results = pool.map(lambda file: _fetch(store, file, cache), files)
        return dict(zip([file.run_id for file in files], results, strict=True))


def _fetch(store: RunStore, file: PredictionsFile, cache: Path | None) -> Predictions | str:
    cached = cache / f"{file.cache_name}.npz" if cache else None
    # What is not there, or damaged, is read again.
    with contextlib.suppress(OSError, ValueError, TypeError, zipfile.BadZipFile):
        if cached:
            with np.load(cached) as arrays:
                return Predictions(**arrays)
    try:
        predictions = _check(_download(store, file))
    except RunError as error:
        return str(error)
    if cached:
        # A cache is optional: a disk that has become full is no reason to stop.
        with (
            contextlib.suppress(OSError),
            exclusive(cached.parent),
            written_aside(cached) as unfinished,
            unfinished.open("wb") as stream,
        ):
            np.savez(stream, **vars(predictions))
    return predictions


def _download(store: RunStore, file: PredictionsFile) -> pa.Table:
    """The stored table; a local file is read where it lies."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            if urlsplit(file.artifacts).scheme:
                listed = store.client.list_artifacts(file.run_id, os.path.dirname(file.file) or None)
                if file.file not in {artifact.path for artifact in listed}:
                    raise FileNotFoundError
                path = store.client.download_artifacts(file.run_id, file.file, folder)
            else:
                path = f"{file.artifacts}/{file.file}"
            schema = predictions_schema()
            return pq.read_table(path, columns=schema.names).cast(schema)
        except FileNotFoundError:
            raise RunError(f"has no {file.file}") from None
        except Exception as error:  # noqa: BLE001, of any storage's library; one run does not cost the table
            raise RunError(f"{file.file} cannot be read ({reason(error)})") from None


def _check(table: pa.Table) -> Predictions:
    if any(column.null_count for column in table.columns):
        raise RunError("has predictions with empty cells")
    labels, scores = table["label"].to_numpy(), table["score"].to_numpy()
    if not np.all((scores >= 0) & (scores <= 1)):  # NaN is neither
        raise RunError("has scores that are no probabilities")
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


def read_paths(store: RunStore, file: PredictionsFile) -> list[str]:
    """The paths of the images that predictions are of, in order.

    Raises:
        RunError: they cannot be read.
    """
    return list(_download(store, file)["path"].to_pylist())
