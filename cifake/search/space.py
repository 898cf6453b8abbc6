"""Keras Tuner's side of a search space: its hyperparameters and its oracles."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_tuner

from cifake.config import Dimension, TunerSettings, lengths

OWN = "tuner/"  # how Hyperband's own values begin: epochs, bracket, the trial it goes on from


def hyperparameters(space: Mapping[str, Dimension]) -> keras_tuner.HyperParameters:
    """Every setting of a space; one a layer where it has layers, each there only if its layer is."""
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
            if layer < low:
                _declare(hp, f"{key}.{layer}", dimension)
                continue
            with hp.conditional_scope(f"{leader}.layers", list(range(layer + 1, high + 1))):
                _declare(hp, f"{key}.{layer}", dimension)
    return hp


def make_oracle(tuner: TunerSettings, space: Mapping[str, Dimension]) -> keras_tuner.Oracle:
    """The part of a tuner that chooses what to try, as the settings say.

    It never gives up over failed trials, and what it writes is whole at any time.
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
    """Put right what Keras Tuner reads back wrongly after it was killed.

    It sends all trials that ran for another try, also those whose end was noted already; and it
    never runs those of which only the start was noted, by the trial, but not by the oracle.
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


class _Whole:
    """Write beside a file, then rename: a process that is killed leaves the old file or the new one."""

    def save(self) -> None:
        file = self._get_oracle_fname()  # type: ignore[attr-defined]
        Path(f"{file}.new").write_text(json.dumps(self.get_state()))  # type: ignore[attr-defined]
        os.replace(f"{file}.new", file)

    def _save_trial(self, trial: Any) -> None:
        file = os.path.join(self._get_trial_dir(trial.trial_id), "trial.json")  # type: ignore[attr-defined]
        trial.save(f"{file}.new")
        os.replace(f"{file}.new", file)


class _Hyperband(_Whole, keras_tuner.oracles.HyperbandOracle):
    pass


class _RandomSearch(_Whole, keras_tuner.oracles.RandomSearchOracle):
    pass


class _BayesianOptimization(_Whole, keras_tuner.oracles.BayesianOptimizationOracle):
    pass
