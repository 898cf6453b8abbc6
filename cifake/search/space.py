"""A search space in Keras Tuner's terms: its hyperparameters and its oracles.

Keras Tuner cannot be killed safely: it writes its files in place, and counts some trials twice or never when
it reads them back. ``repair`` and ``_AtomicFiles`` mend that. For it they use private parts of Keras Tuner,
which is pinned to one minor version; no other module here does.
"""

import contextlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_tuner

from cifake.config import Dimension, TunerSettings, lengths
from cifake.core.files import written_aside

OWN = "tuner/"  # prefix of Hyperband's own values: epochs, bracket, the trial that it continues


def hyperparameters(space: Mapping[str, Dimension]) -> keras_tuner.HyperParameters:
    """Every setting of a space, or one for each layer, which is active only if its layer exists."""
    hp = keras_tuner.HyperParameters()
    leaders = lengths(space)
    for leader, (low, high) in leaders.values():
        if low == high:
            hp.Fixed(f"{leader}.layers", low)
        else:
            hp.Int(f"{leader}.layers", low, high)
    for key, dimension in space.items():
        if key not in leaders:
            _declare(hp, key, dimension)
            continue
        leader, (low, high) = leaders[key]
        for layer in range(high):
            deep_enough = hp.conditional_scope(f"{leader}.layers", list(range(layer + 1, high + 1)))
            with contextlib.nullcontext() if layer < low else deep_enough:
                _declare(hp, f"{key}.{layer}", dimension)
    return hp


def make_oracle(tuner: TunerSettings, space: Mapping[str, Dimension]) -> keras_tuner.Oracle:
    """The part of a tuner that chooses what to try.

    It never gives up because of failed trials, and its files are complete at any time.
    """
    arguments: dict[str, Any] = {
        "objective": keras_tuner.Objective(tuner.objective, "max" if tuner.higher_is_better else "min"),
        "hyperparameters": hyperparameters(space),
        "seed": tuner.seed + 1,  # Keras Tuner takes 0 for no seed
        "max_consecutive_failed_trials": sys.maxsize,
    }
    if tuner.kind == "Hyperband":
        oracle = _Hyperband(max_epochs=tuner.epochs, factor=tuner.factor, **arguments)
        oracle.max_trials = tuner.max_trials
        return oracle
    kinds = {"RandomSearch": _RandomSearch, "BayesianOptimization": _BayesianOptimization}
    return kinds[tuner.kind](max_trials=tuner.max_trials, **arguments)


def repair(oracle: keras_tuner.Oracle) -> None:
    """Correct the state that Keras Tuner reads back after it was killed.

    It would retry all trials that ran, also those that had ended; and never run those whose start only the
    trial had recorded, but not the oracle.
    """
    running = [name for name, trial in oracle.trials.items() if trial.status == "RUNNING"]
    oracle._retry_queue = [name for name in dict.fromkeys(oracle._retry_queue) if name in running]
    for name in running:
        if name not in oracle._retry_queue:
            del oracle.trials[name]


def _declare(hp: keras_tuner.HyperParameters, name: str, dimension: Dimension) -> None:
    given = dimension.model_dump(exclude={"layers", "type"})
    if "values" in given:
        floats = any(isinstance(value, float) for value in given["values"])
        hp.Choice(name, [float(value) if floats else value for value in given["values"]])
        return
    add = hp.Int if isinstance(given["min"], int) else hp.Float
    add(name, given["min"], given["max"], step=given["step"], sampling=given["sampling"])


class _AtomicFiles:
    """A process that is killed leaves each file as it was, or complete."""

    def save(self: Any) -> None:
        with written_aside(Path(self._get_oracle_fname())) as file:
            file.write_text(json.dumps(self.get_state()))

    def _save_trial(self: Any, trial: Any) -> None:
        with written_aside(Path(self._get_trial_dir(trial.trial_id)) / "trial.json") as file:
            trial.save(str(file))


class _Hyperband(_AtomicFiles, keras_tuner.oracles.HyperbandOracle):
    pass


class _RandomSearch(_AtomicFiles, keras_tuner.oracles.RandomSearchOracle):
    pass


class _BayesianOptimization(_AtomicFiles, keras_tuner.oracles.BayesianOptimizationOracle):
    pass
