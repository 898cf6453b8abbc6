"""Run one trial after another in Keras Tuner's loop; knows nothing of MLflow."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import keras
from keras_tuner.engine.base_tuner import BaseTuner

from cifake.config import Settings, TunerSettings, overrides
from cifake.core.errors import RunError
from cifake.data import Dataset
from cifake.models import build_model
from cifake.search.space import OWN, make_oracle, repair
from cifake.search.trial import Trial, is_worker
from cifake.training.fit import OnEpochEnd, fit

TrackTrial = Callable[[int, dict[str, Any], Settings], AbstractContextManager[OnEpochEnd]]
MOST_STARTS = 3  # of one trial, before it is given up
logger = logging.getLogger(__name__)


class Trials(BaseTuner):
    """Keras Tuner's loop over trials, with this package's training."""

    def __init__(
        self,
        settings: Settings,
        tuner: TunerSettings,
        data: Dataset,
        directory: Path,
        track_trial: TrackTrial,
    ) -> None:
        oracle = make_oracle(tuner, settings.search or {})
        super().__init__(oracle, directory=directory.parent, project_name=directory.name)
        if not is_worker():
            repair(self.oracle)
        self.settings = settings
        self.tuner = tuner
        self.data = data
        self.track_trial = track_trial

    def run_trial(self, trial: Any, **_: Any) -> dict[str, float]:
        tuner, number, own = self.tuner, number_of(trial), trial.hyperparameters.values
        values = _values(trial)
        chosen = at_trial(self.settings, Trial(number, values, None)).model_copy(
            update={"epochs": own.get(f"{OWN}epochs", tuner.epochs), "monitor": tuner.objective}
        )
        with self.track_trial(number, values, chosen) as on_epoch_end, self._counted(trial.trial_id):
            keras.backend.clear_session()  # frees the model of the last trial
            keras.utils.set_random_seed(chosen.seed)
            model = build_model(chosen)
            if f"{OWN}trial_id" in own:
                self._continue_from(model, own[f"{OWN}trial_id"])
            fitted = fit(
                model, self.data, chosen, on_epoch_end, initial_epoch=own.get(f"{OWN}initial_epoch", 0)
            )
            if f"{OWN}epochs" in own:
                model.save_weights(self._weights(trial.trial_id))
        score = tuner.best(fitted.history)
        logger.info("trial %d: %s %.4f", number, tuner.objective, score)
        return {tuner.objective: score}

    def on_trial_end(self, trial: Any) -> None:
        super().on_trial_end(trial)
        if trial.status != "COMPLETED":
            logger.info("trial %d failed: %s", number_of(trial), _reason(trial))

    @contextlib.contextmanager
    def _counted(self, trial_id: str) -> Iterator[None]:
        """Count the starts of a trial, and give up one that kills its process, as for lack of memory.

        A trial that ends, also by an exception, removes its count; a killed process cannot.
        """
        file = Path(self.get_trial_dir(trial_id)) / "starts"
        starts = file.stat().st_size if file.exists() else 0
        if starts >= MOST_STARTS:
            raise RunError(f"its process was killed {starts} times, perhaps for lack of memory")
        file.write_bytes(bytes(starts + 1))
        try:
            yield
        finally:
            file.unlink()

    def _continue_from(self, model: keras.Model, trial_id: str) -> None:
        """Hyperband trains the best of a round for more epochs."""
        file = self._weights(trial_id)
        if not file.exists():
            raise RunError(
                f"expected the weights of trial {int(trial_id) + 1} in {file}, found none; "
                "processes that share a search must share CIFAKE_CACHE"
            )
        model.load_weights(file)

    def _weights(self, trial_id: str) -> Path:
        return Path(self.get_trial_dir(trial_id)) / "model.weights.h5"


def at_trial(settings: Settings, trial: Trial) -> Settings:
    """The settings of a trial, without the search, and with the variant's number of epochs."""
    return settings.at(overrides(settings.search or {}, trial.values))


def as_trial(trial: Any) -> Trial:
    """Convert a trial of Keras Tuner."""
    score = trial.score if trial.status == "COMPLETED" else None
    return Trial(number_of(trial), _values(trial), score, _reason(trial))


def number_of(trial: Any) -> int:
    """The number of a trial, from 1, by its place in the search."""
    return int(trial.trial_id) + 1


def _values(trial: Any) -> dict[str, Any]:
    """The searched values, with numbers rounded to six digits."""
    return {
        name: float(f"{value:.6g}") if isinstance(value, float) else value
        for name, value in trial.hyperparameters.values.items()
        if not name.startswith(OWN)
    }


def _reason(trial: Any) -> str:
    """The last line of the traceback that Keras Tuner keeps."""
    return (trial.message or "").strip().rpartition("\n")[2]
