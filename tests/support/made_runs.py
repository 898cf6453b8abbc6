"""Runs as training leaves them, as far as comparing reads them, with made-up numbers."""

import os
from pathlib import Path

import mlflow
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cifake.contract import NEAR_COPIES_COLUMNS

N = 200
OBJECTS = np.array(["cat", "dog"])[np.arange(N) // 2 % 2]
LABELS = np.arange(N) % 2
METRICS = {
    "test/f1": 0.9,
    "test/loss": 0.2,
    "test/accuracy": 0.91,
    "cost/train_seconds": 60.0,
    "best_epoch": 3.0,
}


def made_scores(quality, seed, noise=0.3):
    """Scores of one model; images are hard or easy for every model alike."""
    shared = np.random.default_rng(0).normal(size=N)
    own = np.random.default_rng(100 + seed).normal(size=N)
    return 1 / (1 + np.exp(-((2 * LABELS - 1) * quality + shared + noise * own)))


def table(scores, labels=LABELS, paths=None):
    """A predictions table."""
    return pa.table(
        {
            "path": paths or [f"test/{i}.jpg" for i in range(len(scores))],
            "object": OBJECTS[: len(scores)].tolist(),
            "label": pa.array(labels, pa.int8()),
            "score": pa.array(scores, pa.float32()),
        }
    )


def log_run(
    variant,
    seed=0,
    split="full",
    digest="d1",
    status="FINISHED",
    experiment="cifake",
    params=None,
    predictions=None,
    images=20000,
    history=(),
    **metrics,
):
    """Log one run; ``predictions`` are scores, or a table to store as it is.

    Returns:
        The run's id.
    """
    params = {"epochs": 20, **(params or {})}
    mlflow.set_experiment(experiment)
    with mlflow.start_run() as run:
        mlflow.set_tags(
            {
                "variant": variant,
                "config_hash": f"{variant}{sorted(params.items())}{split}",
                "dataset": "cifake",
                "dataset_digest": f"{digest}-{split}",
                "split": split,
                "test_images": N if predictions is not None else images,
            }
        )
        mlflow.log_params({"seed": seed, "variant": variant, **params})
        values = {k if "/" in k or k in METRICS else f"test/{k}": v for k, v in metrics.items()}
        mlflow.log_metrics({**METRICS, **values})
        for epoch, value in enumerate(history):
            mlflow.log_metrics({"val/loss": value, "val/accuracy": 1 - value}, step=epoch)
        if predictions is not None:
            _log_predictions(predictions)
    mlflow.MlflowClient().set_terminated(run.info.run_id, status)
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)  # mlflow.set_experiment leaves it behind
    return run.info.run_id


def log_trial(parent, number, score, **params):
    """A trial of a search, nested in its run; one without a score has failed."""
    client = mlflow.MlflowClient()
    tags = {"mlflow.parentRunId": parent, "trial": str(number)}
    run_id = client.create_run(client.get_run(parent).info.experiment_id, tags=tags).info.run_id
    for key, value in params.items():
        client.log_param(run_id, key, value)
    if score:
        client.log_metric(run_id, "trial/score", score)
    else:
        client.set_tag(run_id, "failure", "RunError: the loss is nan")
    client.set_terminated(run_id, "FINISHED" if score else "FAILED")


def _log_predictions(predictions):
    path = Path("predictions.parquet")
    pq.write_table(predictions if isinstance(predictions, pa.Table) else table(predictions), path)
    mlflow.log_artifact(str(path))
    path.unlink()


def log_trained(variant, quality, seeds, tested=False, **keywords):
    """Runs whose logged metrics are those of their predictions, one a seed; tested ones are less robust."""
    from cifake.evaluation.metrics import score

    for seed in seeds:
        scores = made_scores(quality, seed)
        run_id = log_run(variant, seed, predictions=scores, **{**score(LABELS, scores), **keywords})
        if tested:
            log_tested(run_id, {name: made_scores(quality * left, seed) for name, left in LEFT.items()})
            log_evaluated(run_id, made_scores(quality / 2, seed))


LEFT = {"clean": 1.0, "blur_0.5": 0.5, "blur_1": 0.2, "pgd_8": -1.0}  # of a run's quality
FOLDER = "robustness/200-images_10-steps_1-restarts_seed-0"


def log_tested(run_id, scores, folder=FOLDER, earlier=False):
    """What a robustness test, or one of earlier versions, leaves in a run for scores by perturbation."""
    from cifake.data import Part
    from cifake.robustness.perturbed import measure
    from cifake.tracking.robustness_results import log_perturbation, log_robustness_test

    count = len(next(iter(scores.values())))
    paths = np.array([f"test/{i}.jpg" for i in range(count)])
    test = Part(np.zeros((count, 1)), LABELS[:count].astype(np.int8), OBJECTS[:count], paths)
    results = {name: measure(test.labels, of_name) for name, of_name in scores.items()}
    for name, of_name in scores.items():
        log_perturbation(run_id, folder, name, test, of_name, results[name])
    summary = {"images": count, "weighted_accuracy": 0.5}
    if not earlier:
        log_robustness_test(run_id, folder, results, summary, [], {})
        return
    client = mlflow.MlflowClient()
    flat = {f"{name}/{key}": value for name, of_name in results.items() for key, value in of_name.items()}
    for key, value in {**flat, **summary}.items():
        client.log_metric(run_id, f"robust/{key}", value)
    client.set_tag(run_id, "robustness", folder)


def write_near_copies(path, rows, digest="d1"):
    """The CSV file of an audit: pairs of near-copies with these test images, by row, in training."""
    lines = [",".join(NEAR_COPIES_COLUMNS)]
    for row in rows:
        label = ("REAL", "FAKE")[LABELS[row]]
        lines.append(f"0.97,train/{row}.jpg,train,{label},test/{row}.jpg,test,{label},{digest}")
    path.write_text("\n".join(lines))
    return str(path)


def log_evaluated(run_id, scores, name="photos"):
    """What an evaluation on another test set leaves in a run, for made-up scores."""
    from cifake.evaluation.metrics import score, score_by_label
    from cifake.tracking.image_set_results import log_image_set

    metrics = {**score_by_label(LABELS, scores), **score(LABELS, scores), "images": N}
    log_image_set(run_id, name, "digest", {name: table(scores)}, {name: metrics})
