"""Keep the whole state of a training on disk after each epoch, so that it can go on from there."""

import json
import logging
import os
import time
import zipfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cifake.core.errors import RunError

UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)
logger = logging.getLogger(__name__)


class Checkpoint(keras.callbacks.Callback):
    """Write a training's state after each epoch; it ends as if it had never been stopped.

    The state is copied when the epoch ends and written while the next one trains, so that the
    shortest epochs hardly wait. At most one write is under way: a process that is killed goes on after
    its last epoch or, while that is being written, after the one before.

    Keras' BackupAndRestore writes over its last file, so that a process killed meanwhile leaves none,
    and forgets what early stopping remembers: the best weights and how long ago they were.

    Args:
        file: of this training alone; written beside and renamed, so it is whole or not there.
        best: chooses the best epoch; comes before this one in the list of callbacks.
        history: metrics by epoch, which another callback appends to before this one is called.
    """

    def __init__(self, file: Path, best: keras.callbacks.EarlyStopping, history: list[dict[str, float]]):
        super().__init__()
        self.file = file
        self.best = best
        self.history = history
        self.seconds = 0.0  # of the processes before this one
        self.started = time.perf_counter()
        self._remembered: dict[str, Any] = {}
        self._writer = ThreadPoolExecutor(1, "checkpoint")
        self._written: Future[None] | None = None

    def restore(self, model: keras.Model, epochs: int) -> int:
        """Give a compiled model the state of the file, if there is one.

        Args:
            model: with an optimizer that is built; weights, optimizer and random state are overwritten.
            epochs: the most to train.

        Returns:
            The epoch to go on with, from 0; ``epochs`` when training has ended already.
        """
        if not self.file.exists():
            return 0
        try:
            about, arrays = _read(self.file)
        except UNREADABLE as error:
            logger.warning("%s cannot be read (%s); starting with the first epoch", self.file, error)
            return 0
        for kind, variables in _variables(model).items():
            for variable, value in zip(variables, arrays[kind], strict=True):
                variable.assign(value)
        self.history[:] = about["history"]
        self.seconds = about["seconds"]
        self._remembered = {**about["best"], "best_weights": arrays["best"] or None}
        logger.info("going on after epoch %d", len(self.history))
        return epochs if about["ended"] else len(self.history)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        vars(self.best).update(self._remembered)  # it has just forgotten everything

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        about = {
            "history": self.history,
            "seconds": self.seconds + time.perf_counter() - self.started,
            "ended": bool(self.model.stop_training),
            "best": {name: getattr(self.best, name) for name in ("best", "best_epoch", "wait")},
        }
        arrays = {
            kind: [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
            for kind, variables in _variables(self.model).items()
        }
        arrays["best"] = self.best.best_weights or []
        self._wait()
        self._written = self._writer.submit(_write, self.file, json.dumps(about), arrays)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self._wait()
        self._writer.shutdown()

    def _wait(self) -> None:
        """Until the last state is written; what went wrong with it is raised here."""
        if self._written:
            self._written.result()


def _variables(model: keras.Model) -> dict[str, list[Any]]:
    """What changes in training: weights with the states of seed generators, and the optimizer."""
    return {"model": model.variables, "optimizer": model.optimizer.variables}


def _write(file: Path, about: str, arrays: dict[str, list[np.ndarray]]) -> None:
    named = {f"{kind}.{n}": value for kind, values in arrays.items() for n, value in enumerate(values)}
    unfinished = file.with_suffix(".unfinished")
    try:
        with unfinished.open("wb") as stream:
            np.savez(stream, **{"about": np.array(about), **named})  # type: ignore[arg-type]
            stream.flush()
            os.fsync(stream.fileno())  # a rename may reach the disk before what was written
        os.replace(unfinished, file)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise RunError(
            f"the checkpoint {file} cannot be written ({error.strerror}); make room or set CIFAKE_CACHE, "
            "then give the same command again: it goes on after the last epoch kept there"
        ) from None


def _read(file: Path) -> tuple[dict[str, Any], dict[str, list[np.ndarray]]]:
    arrays: dict[str, list[np.ndarray]] = {"model": [], "optimizer": [], "best": []}
    with np.load(file) as stored:
        about = json.loads(str(stored["about"]))
        for name in stored.files:  # in the order they were written
            if name != "about":
                arrays[name.partition(".")[0]].append(stored[name])
    return about, arrays
