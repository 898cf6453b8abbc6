"""Train one variant and track it: python -m cifake.train experiments/base.yaml --split small."""

import functools
import logging
import os
import sys
import time
from typing import TYPE_CHECKING

from cifake.config import Settings, TransferSettings, TunerSettings
from cifake.config.command import variant_arguments
from cifake.data import Dataset, load
from cifake.errors import CifakeError, ConfigError, exit_code

if TYPE_CHECKING:
    import keras

    from cifake.training import Fitted

# Keras Tuner's: who this process is in a search over several, and where its chief listens.
PROCESS_VARIABLES = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")
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
        _check_processes()
        if isinstance(settings.model, TransferSettings):
            from cifake.models import build_model

            build_model(settings)  # only Keras knows the backbone; its weights may have to be downloaded
        data = load(settings.dataset, settings.split)
    except CifakeError as error:
        if "MLFLOW_RUN_ID" in os.environ:
            from cifake.tracking import fail_launched_run

            fail_launched_run(error)
        raise
    settings = settings.model_copy(update={"dataset": data.name})
    if settings.tuner:
        tune(variant, settings, settings.tuner, data, start)
    else:
        train(variant, settings, data, start)


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
        fit_and_evaluate(settings, settings, data, start)
    logger.info("run %s of %s is finished", run_id, variant)
    return run_id


def tune(variant: str, settings: Settings, tuner: TunerSettings, data: Dataset, start: float) -> None:
    """Search, then train and evaluate the best settings found; a worker only helps to search.

    The arguments are those of ``train``, and who searches.
    """
    from cifake import tracking

    directory = tracking.search_directory(settings, data)
    track_trial = functools.partial(tracking.tracked_trial, directory.name)
    if "chief" not in os.environ.get(PROCESS_VARIABLES[0], "chief"):
        from cifake.training.search import search

        search(settings, tuner, data, directory, track_trial)
        return
    with (
        tracking.only_process(directory),
        tracking.tracked_run(variant, settings, data, search=directory.name) as run_id,
    ):
        from cifake.evaluation.trials import search_figure
        from cifake.training.search import at_trial, best_trial, search

        trials = search(settings, tuner, data, directory, track_trial)
        best = best_trial(trials, tuner)
        chosen = at_trial(settings, best)
        tracking.log_search(trials, best, chosen, search_figure(trials, tuner, settings.search or {}))
        logger.info("training the settings of trial %d", best.number)
        fit_and_evaluate(chosen, settings, data, start)
    logger.info("run %s of %s is finished", run_id, variant)


def fit_and_evaluate(chosen: Settings, settings: Settings, data: Dataset, start: float) -> None:
    """Train a model and log what became of it, in the active run.

    Args:
        chosen: what to train.
        settings: what the run is logged with; others than ``chosen`` after a search.
        data: all three parts.
        start: when the command began.
    """
    import keras

    from cifake import tracking
    from cifake.models import build_model, serving_model
    from cifake.training import fit

    keras.utils.set_random_seed(chosen.seed)
    model = build_model(chosen)
    fitted = fit(model, data, chosen, tracking.log_epoch, show_progress=sys.stdout.isatty())
    evaluate(serving_model(model, chosen), fitted, data, settings, start)


def _check_processes() -> None:
    """Keras Tuner's variables of a search over several processes come together."""
    given = [name for name in PROCESS_VARIABLES if name in os.environ]
    missing = [name for name in PROCESS_VARIABLES if name not in os.environ]
    if given and missing:
        raise ConfigError(
            f"{given[0]} is set: expected {' and '.join(missing)}, too; see README on searching"
        )


def evaluate(model: "keras.Model", fitted: "Fitted", data: Dataset, settings: Settings, start: float) -> None:
    """Score a trained model on the test part, and log the result, the figures and the model."""
    from cifake import tracking
    from cifake.evaluation.figures import run_figures
    from cifake.evaluation.metrics import score
    from cifake.evaluation.predict import latency_ms, predict
    from cifake.evaluation.report import classification_report

    scores = predict(model, data.test.images)
    results = score(data.test.labels, scores)
    tracking.log_model(model, settings.export)
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
