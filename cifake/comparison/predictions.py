"""Per-image predictions of finished runs: fetched in parallel, checked, and cached by run."""

import hashlib
import os
import tempfile
import zipfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from mlflow.exceptions import MlflowException

from cifake.contract import OF_PREDICTIONS, PREDICTIONS, ROBUST, predictions_schema
from cifake.core.cache_directory import cache_directory
from cifake.core.errors import RunError

DOWNLOADS = 8  # at a time
REASONS_LISTED = 20


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
class Stored:
    """Where a run's predictions are.

    Attributes:
        run_id: the run.
        address: of its artifacts.
        file: among them; with the same name it always has the same content.
    """

    run_id: str
    address: str
    file: str = PREDICTIONS


def is_of_predictions(metric: str) -> bool:
    """Whether a key, such as ``test/f1`` or ``robust/pgd_2/accuracy``, is computed from predictions."""
    part, _, name = metric.rpartition("/")
    return (part == "test" or part.startswith(ROBUST)) and name in OF_PREDICTIONS


def fetch_predictions(places: Sequence[Stored]) -> dict[str, Predictions | str]:
    """Predictions by run id, or the reason why there are none that can be used.

    Files of finished runs don't change, so what was read once is kept in the user's cache directory.
    """
    with ThreadPoolExecutor(DOWNLOADS) as pool:
        return dict(zip([place.run_id for place in places], pool.map(_fetch, places), strict=True))


def pairable(
    runs: pd.DataFrame, names: dict[str, str], metric: str
) -> tuple[dict[str, Predictions], list[str]]:
    """Predictions by run id that are of the same images, and a note on each run without.

    Args:
        runs: see ``fetch_runs``.
        names: what to call each config_hash.
        metric: a key that is of predictions.
    """
    fetched = fetch_predictions(_places(runs, metric))
    expected = runs.set_index("run_id")["test_images"]
    if metric.startswith(ROBUST):
        expected[:] = ""  # a robustness test may be of the first images alone
    for run_id, found in fetched.items():
        if isinstance(found, Predictions) and expected[run_id] not in ("", str(len(found.labels))):
            fetched[run_id] = f"has {len(found.labels):,} predictions, expected {expected[run_id]}"
    usable = {run_id: found for run_id, found in fetched.items() if isinstance(found, Predictions)}
    if usable:
        common = Counter(str(found.images) for found in usable.values()).most_common(1)[0][0]
        other = {run_id for run_id, found in usable.items() if str(found.images) != common}
        fetched |= dict.fromkeys(other, "was scored on other test images than most runs")
    reasons = [
        f"{names[config_hash]}, run {run_id}: {fetched[run_id]}; not in intervals and tests."
        for run_id, config_hash in zip(runs["run_id"], runs["config_hash"], strict=True)
        if isinstance(fetched[run_id], str)
    ]
    if len(reasons) > REASONS_LISTED:
        reasons[REASONS_LISTED:] = [f"{len(reasons) - REASONS_LISTED} more runs are without, too."]
    return {run_id: found for run_id, found in fetched.items() if isinstance(found, Predictions)}, reasons


def _places(runs: pd.DataFrame, metric: str) -> list[Stored]:
    files = [PREDICTIONS] * len(runs)
    if metric.startswith(ROBUST):
        perturbation = metric.split("/")[1]
        files = [f"{folder or 'robustness'}/{perturbation}.parquet" for folder in runs["robustness"]]
    return [Stored(*place) for place in zip(runs["run_id"], runs["artifacts"], files, strict=True)]


def _fetch(place: Stored) -> Predictions | str:
    name = place.run_id if place.file == PREDICTIONS else f"{place.run_id}-{place.file.replace('/', '-')}"
    cached = cache_directory() / "predictions" / f"{name}.npz"
    try:
        with np.load(cached) as file:
            return Predictions(**file)
    except (OSError, ValueError, TypeError, zipfile.BadZipFile):
        pass  # not there, or spoilt: read it again
    try:
        predictions = _check(_download(place))
    except RunError as error:
        return str(error)
    _save(predictions, cached)
    return predictions


def _download(place: Stored) -> pa.Table:
    """The stored table; a local file is read where it lies."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            if urlsplit(place.address).scheme:
                run_id, parent = place.run_id, os.path.dirname(place.file) or None
                listed = mlflow.artifacts.list_artifacts(run_id=run_id, artifact_path=parent)
                if place.file not in {found.path for found in listed}:
                    raise FileNotFoundError
                path = mlflow.artifacts.download_artifacts(
                    run_id=run_id, artifact_path=place.file, dst_path=folder
                )
            else:
                path = f"{place.address}/{place.file}"
            schema = predictions_schema()
            return pq.read_table(path, columns=schema.names).cast(schema)
        except FileNotFoundError:
            raise RunError(f"has no {place.file}") from None
        except (MlflowException, OSError, pa.ArrowException, KeyError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise RunError(f"{place.file} cannot be read ({reason})") from None


def _check(table: pa.Table) -> Predictions:
    if any(column.null_count for column in table.columns):
        raise RunError("has predictions with empty cells")
    labels, scores = table["label"].to_numpy(), table["score"].to_numpy()
    if not np.all((scores >= 0) & (scores <= 1)):  # NaN is neither
        raise RunError("has scores that are no probabilities")
    if set(np.unique(labels)) != {0, 1}:
        raise RunError("has test images of one label only")
    digest = hashlib.sha256("\n".join(table["path"].to_pylist()).encode())
    digest.update(labels.tobytes())
    objects = table["object"].combine_chunks().dictionary_encode()
    return Predictions(
        labels=labels,
        objects=objects.indices.to_numpy().astype(np.int16),
        names=np.array(objects.dictionary.to_pylist()),
        scores=scores,
        images=np.array(digest.hexdigest()[:16]),
    )


def _save(predictions: Predictions, path: Path) -> None:
    """Beside the final file, then renamed: a killed command leaves no half of one."""
    unfinished = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            np.savez(file, **vars(predictions))
        unfinished.replace(path)
    except OSError as error:
        raise RunError(f"predictions cannot be kept ({error}); CIFAKE_CACHE names another folder") from None
