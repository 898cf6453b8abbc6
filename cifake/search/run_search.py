"""Search a space of settings with Keras Tuner; knows nothing of MLflow."""

import dataclasses
import logging
import os
from pathlib import Path

from cifake.config import Settings, TunerSettings
from cifake.core.errors import RunError
from cifake.data import Dataset
from cifake.search.trial import Trial, is_worker
from cifake.search.tuner import TrackTrial, Trials, as_trial, at_trial, number_of

__all__ = ["at_trial", "best_trial", "search"]
logger = logging.getLogger(__name__)


def search(
    settings: Settings, tuner: TunerSettings, data: Dataset, directory: Path, track_trial: TrackTrial
) -> list[Trial]:
    """Run the trials that have not been run yet; several processes may share them.

    Keras Tuner's KERASTUNER_TUNER_ID, KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT make this
    process the chief, which hands trials out, or a worker, which runs them.

    Args:
        settings: with the space in ``search``.
        tuner: the kind of search, and its length.
        data: its test part is hidden from the trials.
        directory: holds the state of the search, so that it resumes where it was stopped.
        track_trial: called with a trial's number, its values and its settings; its context
            receives the metrics of each epoch.

    Returns:
        All trials, by number; an empty list in a worker.

    Raises:
        RunError: no trial succeeded.
    """
    # TensorFlow would warn that it has to trace the model of every trial.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    # Trials see no test image at all, and perhaps fewer training images.
    visible = dataclasses.replace(data, train=data.train.first(tuner.images), test=data.test.first(0))
    loop = Trials(settings, tuner, visible, directory, track_trial)
    if is_worker():
        logger.info("a worker: asking the chief for trials")
    _run(loop)
    if is_worker():
        return []
    trials = [as_trial(trial) for trial in sorted(loop.oracle.trials.values(), key=number_of)]
    failed = [trial for trial in trials if trial.score is None]
    logger.info("%d trials, %d of them failed", len(trials), len(failed))
    if len(failed) == len(trials):
        raise RunError(f"all {len(trials)} trials failed; the first: {trials[0].reason}")
    return trials


def best_trial(trials: list[Trial], tuner: TunerSettings) -> Trial:
    """The trial with the best score on the validation part, the first of equals."""
    sign = -1 if tuner.higher_is_better else 1
    return min((t for t in trials if t.score is not None), key=lambda t: (sign * (t.score or 0), t.number))


def _run(loop: Trials) -> None:
    try:
        loop.search(verbose=0)
    except RuntimeError as error:  # gRPC raises no narrower class
        if "bind" not in str(error):
            raise
        address = f"{os.environ['KERASTUNER_ORACLE_IP']}:{os.environ['KERASTUNER_ORACLE_PORT']}"
        raise RunError(f"the chief cannot listen at {address}; choose another port") from None
