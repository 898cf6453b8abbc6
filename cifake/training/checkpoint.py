"""Save the whole state of a training after each epoch, so that it can be resumed."""

import json
import logging
import time
import zipfile
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cifake.core.errors import RunError
from cifake.core.files import written_aside

METADATA = "about"  # its key in the file
UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile)
logger = logging.getLogger(__name__)


class Checkpoint(keras.callbacks.Callback):
    """Save a training's state after each epoch. A resumed training ends as an uninterrupted one does.

    The state is copied at the end of the epoch and written during the next one, one write at a time. A
    killed process resumes after its last epoch or, if that was being written, after the one before.

    Keras' BackupAndRestore overwrites its last file, so that a process killed meanwhile leaves none. It
    also loses the state of early stopping: the best weights, and the epochs since.

    ``best``, which chooses the best epoch, precedes this callback, as does what appends to ``history``.
    """

    def __init__(self, file: Path, best: keras.callbacks.EarlyStopping, history: list[dict[str, float]]):
        super().__init__()
        self.file = file
        self.best = best
        self.history = history
        self.seconds = 0.0  # of the processes before this one
        self.started = time.perf_counter()
        self._best_state: dict[str, Any] = {}
        self._writer = ThreadPoolExecutor(1, "checkpoint")
        self._written: Future[None] | None = None

    def restore(self, model: keras.Model, epochs: int) -> int:
        """Load the file's state, if there is one, into a compiled model: weights, optimizer, random state.

        Returns:
            The epoch to resume with, from 0; ``epochs``, the most to train, if training has ended already.
        """
        if not self.file.exists():
            return 0
        try:
            metadata, arrays = _read(self.file)
        except UNREADABLE as error:
            logger.warning("%s cannot be read (%s); training starts from scratch", self.file, error)
            return 0
        for kind, variables in _variables(model).items():
            for variable, value in zip(variables, arrays[kind], strict=True):
                variable.assign(value)
        self.history[:] = metadata["history"]
        self.seconds = metadata["seconds"]
        self._best_state = {**metadata["best"], "best_weights": arrays["best"] or None}
        logger.info("resuming after epoch %d", len(self.history))
        return epochs if metadata["ended"] else len(self.history)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        vars(self.best).update(self._best_state)  # it has just been reset

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        metadata = {
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
        self._written = self._writer.submit(_write, self.file, json.dumps(metadata), arrays)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self._wait()
        self._writer.shutdown()

    def _wait(self) -> None:
        """Wait for the last write, and raise its error if it failed."""
        if self._written:
            self._written.result()


def _variables(model: keras.Model) -> dict[str, list[Any]]:
    """All that changes in training: weights, the states of seed generators, and the optimizer."""
    return {"model": model.variables, "optimizer": model.optimizer.variables}


def _write(file: Path, metadata: str, arrays: dict[str, list[np.ndarray]]) -> None:
    named = {f"{kind}.{n}": value for kind, values in arrays.items() for n, value in enumerate(values)}
    try:
        with written_aside(file) as unfinished, unfinished.open("wb") as stream:
            np.savez(stream, **{METADATA: np.array(metadata), **named})  # type: ignore[arg-type]
    except OSError as error:
        raise RunError(
            f"the checkpoint {file} cannot be written ({error.strerror}); make room or set CIFAKE_CACHE, "
            "then give the same command again: it resumes after the last epoch saved there"
        ) from None


def _read(file: Path) -> tuple[dict[str, Any], dict[str, list[np.ndarray]]]:
    arrays: dict[str, list[np.ndarray]] = {"model": [], "optimizer": [], "best": []}
    with np.load(file) as stored:
        metadata = json.loads(str(stored[METADATA]))
        for name in stored.files:  # in the order they were written
            if name != METADATA:
                arrays[name.partition(".")[0]].append(stored[name])
    return metadata, arrays
