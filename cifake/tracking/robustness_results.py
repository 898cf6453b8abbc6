"""What a robustness test found, logged to its model's run, which may be finished and stays so."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import mlflow
import numpy as np
import pyarrow.parquet as pq
from matplotlib.figure import Figure

from cifake.contract import DOUBTS_TAG, ROBUSTNESS_TAG
from cifake.core.errors import RunError
from cifake.data import Part
from cifake.tracking.results import predictions_table
from cifake.tracking.retry import retry_while_unavailable


def completed_perturbations(run_id: str, folder: str, replace: bool) -> set[str]:
    """Perturbations whose predictions a run holds already.

    Args:
        run_id: of the model's run.
        folder: where predictions of this kind of test are kept.
        replace: this test replaces one of another kind as a whole.

    Raises:
        RunError: the run holds one of another kind.
    """
    client = mlflow.MlflowClient()
    given = client.get_run(run_id).data.tags.get(ROBUSTNESS_TAG, folder)
    if given != folder and not replace:
        raise RunError(
            f"run {run_id} was tested otherwise: expected {folder.removeprefix('robustness/')}, found "
            f"{given.removeprefix('robustness/')}; give the options of that test, or replace it as a whole: "
            f"python -m cifake.robustness run={run_id} force=true"
        )
    client.set_tag(run_id, ROBUSTNESS_TAG, folder)
    return {Path(file.path).stem for file in client.list_artifacts(run_id, folder)}


@retry_while_unavailable
def was_tested(run_id: str, perturbations: Sequence[str]) -> bool:
    """Whether a run has had a robustness test of at least these perturbations to its end."""
    wanted = {"robust/images", *(f"robust/{name}/accuracy" for name in perturbations)}
    return wanted <= set(mlflow.get_run(run_id).data.metrics)


@retry_while_unavailable
def log_perturbation(
    run_id: str, folder: str, name: str, test: Part, scores: np.ndarray, metrics: Mapping[str, float]
) -> None:
    """Log one perturbation, its predictions last: with them it counts as done.

    Args:
        run_id: of the model's run.
        folder: see ``completed_perturbations``.
        name: of the perturbation.
        test: n images.
        scores: float32 [n], the probability of FAKE.
        metrics: by name.
    """
    mlflow.log_metrics({f"robust/{name}/{metric}": value for metric, value in metrics.items()}, run_id=run_id)
    with tempfile.TemporaryDirectory() as temporary:
        file = f"{temporary}/{name}.parquet"
        pq.write_table(predictions_table(test, scores), file, compression="zstd")
        mlflow.MlflowClient().log_artifact(run_id, file, folder)


def robust_metrics(run_id: str, metric: str) -> dict[str, float]:
    """A metric of a run, such as its accuracy, by perturbation."""
    parts = {tuple(key.split("/")): value for key, value in mlflow.get_run(run_id).data.metrics.items()}
    of_metric = {key: value for key, value in parts.items() if len(key) == 3 and key[2] == metric}
    return {key[1]: value for key, value in of_metric.items() if key[0] == "robust"}


@retry_while_unavailable
def log_robustness_summary(
    run_id: str, metrics: Mapping[str, float], doubts: Sequence[str], figures: Mapping[str, Figure]
) -> None:
    """Log what holds for a whole test: ``robust/<name>``, doubts about its attacks, figures by file name."""
    mlflow.log_metrics({f"robust/{name}": value for name, value in metrics.items()}, run_id=run_id)
    client = mlflow.MlflowClient()
    client.set_tag(run_id, DOUBTS_TAG, "; ".join(doubts)[:5000] or "none")
    for file, figure in figures.items():
        client.log_figure(run_id, figure, f"figures/{file}")
