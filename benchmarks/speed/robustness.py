"""A whole robustness test of `base`, against the passes through the model that it needs.

Passes forward are counted at the speed of plain prediction, passes forward and back at that of training:
medians of ten measurements, five of them before and five after the test.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import mlflow

from benchmarks.measure import ROUNDS, show
from cifake.config import load
from cifake.contract import PERTURBATIONS, parse_perturbation
from cifake.data import load as load_data
from cifake.evaluation.scoring import predict
from cifake.models import build_model
from cifake.robustness.options import RobustnessOptions
from cifake.robustness.test import CHECKED_IMAGES, run_robustness_test
from cifake.training.compile import compile_model

BATCH = 128


def speeds(work: Callable[[], object], count: int) -> list[float]:
    """Images a second, after a first time that traces."""
    work()
    rates = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        rates.append(count / (time.perf_counter() - start))
    return rates


def plain_speeds(model: keras.Model, images, labels) -> tuple[list[float], list[float]]:
    """Images a second in prediction, and in training."""
    trained = keras.models.clone_model(model)
    compile_model(trained, load("experiments/base.yaml"))
    return (
        speeds(lambda: predict(model, images), len(images)),
        speeds(lambda: trained.fit(images, labels, batch_size=BATCH, verbose=0), len(images)),
    )


def needed(count: int, options: RobustnessOptions) -> tuple[int, int]:
    """Passes forward, and passes forward and back: FGSM shares one, PGD is checked with twice the steps."""
    attacks = sum(parse_perturbation(name)[0] == "pgd" for name in PERTURBATIONS)
    forward = count * len(PERTURBATIONS) + 2 * attacks * CHECKED_IMAGES
    both = count * (1 + attacks * options.steps) + 3 * attacks * options.steps * CHECKED_IMAGES
    return forward, both


def whole_test(model: keras.Model, test, options: RobustnessOptions) -> float:
    """Seconds of a test that is logged to a run."""
    with tempfile.TemporaryDirectory() as folder:
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        mlflow.create_experiment("cifake", artifact_location=f"{folder}/artifacts")
        mlflow.set_experiment("cifake")
        with mlflow.start_run() as run:
            start = time.perf_counter()
            run_robustness_test(run.info.run_id, lambda: model, test, options)
            return time.perf_counter() - start


def main() -> None:
    test, options = load_data("cifake").test, RobustnessOptions()
    model = build_model(load("experiments/base.yaml"))
    forward, both = needed(len(test), options)
    before = plain_speeds(model, test.images, test.labels)
    seconds = whole_test(model, test, options)
    after = plain_speeds(model, test.images, test.labels)
    predicting, training = (
        statistics.median(first + last) for first, last in zip(before, after, strict=True)
    )
    print(f"plain prediction {predicting:,.0f} images/s, training at batch {BATCH} {training:,.0f} images/s")
    show(
        f"base, {len(test):,} images: {forward:,} passes forward, {both:,} forward and back",
        "seconds",
        {"robustness test": [seconds], "needed": [forward / predicting + both / training]},
        {("robustness test", "needed"): "at most 1.3"},
    )


if __name__ == "__main__":
    main()
