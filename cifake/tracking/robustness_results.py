"""Robustness tests of a run, which may be finished and stays so.

Each test keeps its predictions in a folder of its own. The run's metrics and its tag, which names the
folder, change together when the test is complete: they always belong to the same complete test.
"""

import contextlib
import json
import tempfile
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from matplotlib.figure import Figure

from cifake.contract import (
    ADVERSARY_TAG,
    CLEAN,
    DOUBTS_TAG,
    FIGURES,
    PERTURBATIONS,
    ROBUST,
    ROBUSTNESS_TAG,
    TEST_IMAGES_TAG,
    line_of,
)
from cifake.core.errors import RunError
from cifake.data import Part
from cifake.tracking.results import predictions_table
from cifake.tracking.retry import client
from cifake.tracking.run_values import log_values

METRICS = b"metrics"  # key in the metadata of a predictions file


def folder_of_test(run_id: str, kind: str, perturbations: Collection[str], force: bool) -> str:
    """The folder for the predictions of a test: that of the run's test, or a new one to replace it.

    An interrupted test is resumed in its folder, also one that replaces another, with ``force``, whose folder
    is the ``kind`` and a number.

    Raises:
        RunError: the run has a test of another kind, which only a whole test may replace.
    """
    present: str | None = client.get_run(run_id).data.tags.get(ROBUSTNESS_TAG)
    if not present:
        return kind
    present_kind, number = _split(present)
    whole = set(perturbations) == set(PERTURBATIONS)
    if present_kind != kind and not (force and whole):
        raise RunError(
            f"run {run_id} was tested otherwise: expected {kind.removeprefix('robustness/')}, found "
            f"{present_kind.removeprefix('robustness/')}; give the options of that test, or replace it as a "
            f"whole: python -m cifake.robustness run={run_id} force=true"
        )
    if not force:
        return present
    folder = f"{kind}_test-{number + 1}"
    if whole:
        return folder
    folder += f"-{zlib.crc32(','.join(perturbations).encode()):x}"  # this one copies the others
    with tempfile.TemporaryDirectory() as temporary:
        for file in Path(client.download_artifacts(run_id, present, temporary)).iterdir():
            if file.stem not in perturbations:
                client.log_artifact(run_id, str(file), folder)
    return folder


def completed_perturbations(run_id: str, folder: str) -> dict[str, dict[str, float]]:
    """The metrics of each perturbation whose predictions a folder of the run holds, by name.

    Earlier versions kept the metrics in the run alone: where they were killed, predictions may have none.
    """
    names = [Path(file.path).stem for file in client.list_artifacts(run_id, folder)]
    if not names:
        return {}
    logged = client.get_run(run_id).data.metrics
    completed = {}
    with tempfile.TemporaryDirectory() as temporary:
        path = client.download_artifacts(run_id, folder, temporary)
        for name in names:
            with contextlib.suppress(pa.ArrowInvalid):  # a process was killed while it wrote the file
                metadata = pq.read_schema(f"{path}/{name}.parquet").metadata or {}
                of_run = {
                    key.split("/")[2]: logged[key] for key in logged if key.startswith(f"{ROBUST}{name}/")
                }
                completed[name] = json.loads(metadata[METRICS]) if METRICS in metadata else of_run
    return {name: metrics for name, metrics in completed.items() if metrics}


def was_tested(run_id: str, kind_for: Callable[[int], str], perturbations: Sequence[str]) -> bool:
    """Whether a run has a complete test of these; ``kind_for`` gives it for a number of test images."""
    run = client.get_run(run_id).data
    kind = kind_for(int(run.tags[TEST_IMAGES_TAG]))
    # Earlier versions set the tag when a test began, and its number of images when it was complete.
    images = f"robustness/{run.metrics.get(f'{ROBUST}images', 0):.0f}-images_"
    if not kind.startswith(images) or _split(run.tags.get(ROBUSTNESS_TAG, ""))[0] != kind:
        return False
    keys = [f"{ROBUST}{name}/accuracy" for name in perturbations]
    points = {line_of(key) for key in keys if key not in run.metrics}  # earlier versions knew no lines
    lines = {point[0] for point in points if point}
    return points <= {(line, each.step) for line in lines for each in client.get_metric_history(run_id, line)}


def log_perturbation(
    run_id: str, folder: str, name: str, test: Part, scores: np.ndarray, metrics: Mapping[str, float]
) -> None:
    """Log the predictions of a perturbation, with its metrics inside; then it counts as completed."""
    table = predictions_table(test, scores).replace_schema_metadata({METRICS: json.dumps(dict(metrics))})
    with tempfile.TemporaryDirectory() as temporary:
        file = f"{temporary}/{name}.parquet"
        pq.write_table(table, file, compression="zstd")
        client.log_artifact(run_id, file, folder)


def log_robustness_test(
    run_id: str,
    folder: str,
    results: Mapping[str, Mapping[str, float]],
    summary: Mapping[str, float],
    doubts: Sequence[str],
    figures: Mapping[str, Figure],
    adversary: str | None = None,
) -> None:
    """Log a complete test; the run's metrics and tags change in one request, at the end.

    ``results``, metrics by name of each perturbation, are logged where ``line_of`` says; those of ``clean``
    as ``robust/clean/<name>``, and as step 0 of each line. ``summary`` becomes ``robust/<name>``;
    ``adversary`` is the attack in its ``weighted_accuracy``, if it has one.
    """
    for file, figure in figures.items():
        client.log_figure(run_id, figure, f"{FIGURES}/{file}")
    clean = results.get(CLEAN, {})
    points = {}
    for name, of_name in results.items():
        for key, value in of_name.items():
            if point := line_of(f"{ROBUST}{name}/{key}"):
                points[point] = value
                if key in clean:
                    points[point[0], 0] = clean[key]
    log_values(
        run_id,
        {f"{ROBUST}{name}": value for name, value in summary.items()}
        | {f"{ROBUST}{CLEAN}/{key}": value for key, value in clean.items()},
        {ROBUSTNESS_TAG: folder, DOUBTS_TAG: "; ".join(doubts)[:5000] or "none"}
        | ({ADVERSARY_TAG: adversary} if adversary else {}),
        points,
    )


def _split(folder: str) -> tuple[str, int]:
    """The kind of a test and its number among those of its run, from 1."""
    kind, _, number = folder.partition("_test-")
    return kind, int(number.partition("-")[0] or 1)
