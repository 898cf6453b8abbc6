"""Train one variant and track it: python -m cifake.train experiments/base.yaml --split small."""

import logging
import os
import sys
import time
from typing import TYPE_CHECKING

from cifake.config import Settings
from cifake.config.command import variant_arguments
from cifake.data import Dataset, load
from cifake.errors import CifakeError, exit_code

if TYPE_CHECKING:
    import keras

    from cifake.training import Fitted

logger = logging.getLogger(__name__)


def main(words: list[str]) -> None:
    """Train, evaluate and track one variant.

    Settings and data are checked before MLflow and TensorFlow are imported, which takes 10 s.
    """
    start = time.perf_counter()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        variant, settings = variant_arguments(
            "python -m cifake.train", "Train one variant and track it in MLflow.", words
        )
        data = load(settings.dataset, settings.split)
    except CifakeError as error:
        if "MLFLOW_RUN_ID" in os.environ:
            from cifake.tracking import fail_launched_run

            fail_launched_run(error)
        raise
    train(variant, settings.model_copy(update={"dataset": data.name}), data, start)


def train(variant: str, settings: Settings, data: Dataset, start: float) -> str:
    """Run the way from settings to a tracked, evaluated model.

    Args:
        variant: its name.
        settings: as resolved.
        data: all three parts; the test part is read once, after training.
        start: when the command began, by ``time.perf_counter``.

    Returns:
        The MLflow run's id.
    """
    from cifake import tracking

    with tracking.tracked_run(variant, settings, data) as run_id:
        import keras

        from cifake.models import build_model, serving_model
        from cifake.training import fit

        keras.utils.set_random_seed(settings.seed)
        model = build_model(settings)
        fitted = fit(model, data, settings, tracking.log_epoch, show_progress=sys.stdout.isatty())
        evaluate(serving_model(model, settings), fitted, data, settings, start)
    logger.info("run %s of %s is finished", run_id, variant)
    return run_id


def evaluate(model: "keras.Model", fitted: "Fitted", data: Dataset, settings: Settings, start: float) -> None:
    """Score a trained model on the test part, and log the result, the figures and the model."""
    from cifake import tracking
    from cifake.evaluation.figures import run_figures
    from cifake.evaluation.metrics import score
    from cifake.evaluation.predict import latency_ms, predict
    from cifake.evaluation.report import classification_report

    scores = predict(model, data.test.images)
    results = score(data.test.labels, scores)
    tracking.log_model(model)
    tracking.log_result(
        test=data.test,
        scores=scores,
        metrics={
            **{f"test/{name}": value for name, value in results.items()},
            "best_epoch": fitted.best_epoch,
            "cost/parameters": model.count_params(),
            "cost/train_seconds": fitted.seconds,
            "cost/images_per_second": fitted.images / fitted.seconds,
            "cost/latency_ms": latency_ms(model, data.test.images[0]),
            "cost/total_seconds": time.perf_counter() - start,
        },
        figures=run_figures(fitted.history, fitted.best_epoch, data.test, scores),
        report=classification_report(data.test.labels, scores),
        settings=settings,
    )
    logger.info(
        "test accuracy %.4f, F1 of FAKE %.4f, on %s images of %s",
        results["accuracy"], results["f1"], f"{len(scores):,}", data.name,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
