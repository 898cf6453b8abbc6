"""What a run's model made of other test sets; the run is finished, and stays so."""

import math
import tempfile
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from mlflow.entities import Run

from cifake.contract import OTHER_SETS, PREDICTIONS, WEIGHTED_SETS, WITH_TEST, predictions_schema
from cifake.core.errors import RunError
from cifake.tracking.retry import client
from cifake.tracking.run_values import log_values


def ranked_set(name: str, labels: np.ndarray) -> str:
    """Where under ``other/`` a set has its ROC AUC: one label alone has it with the test part's other."""
    present = np.unique(labels)
    return name if len(present) == 2 else f"{name}{WITH_TEST[int(present[0])]}"


def is_evaluated(run: Run, name: str, ranked: str, identity: str, weight: float | None, force: bool) -> bool:
    """Whether a run holds the results of a set, with this weight.

    Args:
        run: the model's run.
        name: of the set.
        ranked: see ``ranked_set``.
        identity: of its images, and of how they were prepared.
        weight: of the set; None takes any.
        force: whether results of other images under the same name are replaced.

    Raises:
        RunError: there are results of other images, and no ``force``, or of other labels, whose metrics
            MLflow would keep beside the new ones.
    """
    metrics = run.data.metrics
    for other in {name, *(f"{name}{suffix}" for suffix in WITH_TEST.values())} - {ranked}:
        if f"{OTHER_SETS}{other}/roc_auc" in metrics:
            raise RunError(
                f"run {run.info.run_id} was evaluated on a set called {name} with other labels, whose "
                "metrics cannot be removed; give another name="
            )
    present = run.data.tags.get(f"{OTHER_SETS}{name}", "")
    if present in ("", identity) or force:
        return present == identity and weight in (None, metrics.get(f"{OTHER_SETS}{name}/weight"))
    raise RunError(
        f"run {run.info.run_id} was evaluated on other images called {name} ({present}, here {identity}); "
        "give another name=, or replace them with force=true"
    )


def test_predictions(run_id: str) -> pa.Table:
    """The predictions of a run on its test part."""
    with tempfile.TemporaryDirectory() as folder:
        return pq.read_table(client.download_artifacts(run_id, PREDICTIONS, folder))


def log_image_set(
    run_id: str,
    name: str,
    identity: str,
    predictions: Mapping[str, pa.Table],
    metrics: Mapping[str, Mapping[str, float]],
) -> None:
    """Log the results of a set: first the predictions, then metrics and tag in one request.

    Args:
        run_id: of the model's run.
        name: of the set.
        identity: see ``is_evaluated``.
        predictions: by the name under ``other/``.
        metrics: by name, by the name under ``other/``; one that is called weight counts the set in
            ``other/weighted``.
    """
    with tempfile.TemporaryDirectory() as folder:
        for each, table in predictions.items():
            pq.write_table(table.cast(predictions_schema()), f"{folder}/{each}.parquet", compression="zstd")
        client.log_artifacts(run_id, folder, OTHER_SETS.rstrip("/"))
    values = {
        f"{OTHER_SETS}{each}/{key}": value
        for each, of_set in metrics.items()
        for key, value in of_set.items()
    }
    log_values(run_id, values, {f"{OTHER_SETS}{name}": identity})


def update_weighted_means(run_id: str) -> None:
    """Log the weighted means over the sets of a run as it is now; those that no longer exist become NaN.

    Of two commands at a time the later one has the sets of both.
    """
    present = {
        key.removeprefix(OTHER_SETS): value
        for key, value in client.get_run(run_id).data.metrics.items()
        if key.startswith(OTHER_SETS)
    }
    means = dict.fromkeys(_of_set(present, WEIGHTED_SETS), math.nan) | weighted_means(present)
    changed = {key: value for key, value in means.items() if value != present.get(f"{WEIGHTED_SETS}/{key}")}
    if changed:
        log_values(run_id, {f"{OTHER_SETS}{WEIGHTED_SETS}/{key}": value for key, value in changed.items()})


def weighted_means(metrics: Mapping[str, float]) -> dict[str, float]:
    """Means over the sets that have a weight, of the metrics that all of them have; none with one set.

    Args:
        metrics: by ``<set>/<name>``; a set's weight is ``<set>/weight``.
    """
    weights = {key.partition("/")[0]: value for key, value in metrics.items() if key.endswith("/weight")}
    if len(weights) < 2:
        return {}
    sets = [_of_set(metrics, name) for name in weights]
    common = set.intersection(*map(set, sets)) - {"weight", "images"}
    share = np.array(list(weights.values())) / sum(weights.values())
    return {key: float(share @ [of_set[key] for of_set in sets]) for key in sorted(common)}


def _of_set(metrics: Mapping[str, float], name: str) -> dict[str, float]:
    return {key.partition("/")[2]: value for key, value in metrics.items() if key.startswith(f"{name}/")}
