"""A worker: TensorFlow and the data are loaded once, then one run after another is trained."""

import contextlib
import functools
import logging
import os
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING

from cifake.data import Dataset, load
from cifake.errors import RunError, Terminated, as_mistake, raise_terminated, stop_behind
from cifake.folders import cache_directory
from cifake.processes import end_with_parent

if TYPE_CHECKING:
    from cifake.suite.plan import Job


@dataclass(frozen=True)
class Surroundings:
    """What all runs of a suite share.

    Attributes:
        parent: the id of the suite's run.
        experiment: where runs are filed.
        threads: of each worker.
        force: train anew what is finished.
    """

    parent: str
    experiment: str
    threads: int
    force: bool


@dataclass(frozen=True)
class Event:
    """What became of a job.

    Attributes:
        job: its number.
        kind: ``started``, ``epoch``, ``waits``, ``finished``, ``reused``, ``failed`` or ``died``.
        epochs: how many have ended.
        score: the monitored metric of the last of them.
        run_id: of a run that is finished.
        text: why it failed, or what it waits for.
        details: the traceback of a defect.
    """

    job: int
    kind: str
    epochs: int = 0
    score: float | None = None
    run_id: str = ""
    text: str = ""
    details: str = ""


def worker_log() -> Path:
    """A file for what TensorFlow and others say, which would spoil the display."""
    return cache_directory() / "workers.log"


def serve(pipe: connection.Connection, surroundings: Surroundings, gpu: str | None) -> None:
    """Train the jobs that come through a pipe, and send events back.

    Ends when the pipe is closed, with the parent process, or by SIGTERM, which ends a run as KILLED.

    Args:
        pipe: to the parent process.
        surroundings: of all runs.
        gpu: the only one to see; None leaves that as it is.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent decides
    signal.signal(signal.SIGTERM, raise_terminated)
    threading.Thread(target=end_with_parent, daemon=True).start()
    settle(surroundings, gpu)
    with worker_log().open("a") as stream, contextlib.suppress(Terminated, EOFError):
        os.dup2(stream.fileno(), 2)
        while True:
            job = pipe.recv()
            pipe.send(Event(job.number, "started"))
            pipe.send(attempt(job, surroundings, pipe.send))


def settle(surroundings: Surroundings, gpu: str | None = None) -> None:
    """Set the environment of a worker, before TensorFlow reads it; see ``serve``."""
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    os.environ.pop("MLFLOW_RUN_ID", None)  # the suite's own run
    os.environ["MLFLOW_EXPERIMENT_NAME"] = surroundings.experiment
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(surroundings.threads)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # several may share a GPU's memory
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # it would spoil the display


def attempt(job: "Job", surroundings: Surroundings, send: Callable[[Event], object]) -> Event:
    """Train a job, unless that has been done meanwhile.

    Args:
        job: what to train.
        surroundings: of all runs.
        send: takes an event after each epoch.

    Returns:
        The event that ends the job.
    """
    try:
        with _passed_on(job, send):
            return _train(job, surroundings, send)
    except Exception as error:  # noqa: BLE001, a run that fails does not stop the others; it is reported
        if stop := stop_behind(error):
            raise stop from None
        if mistake := as_mistake(error):
            return Event(job.number, "failed", text=f"{type(mistake).__name__}: {mistake}")
        reason = traceback.format_exception_only(error)[-1].strip()
        return Event(job.number, "failed", text=reason, details=traceback.format_exc())


def _train(job: "Job", surroundings: Surroundings, send: Callable[[Event], object]) -> Event:
    from cifake import tracking
    from cifake.pipeline import lacks_test, stress_finished_run, train

    def watch(epoch: int, metrics: dict[str, float]) -> None:
        send(Event(job.number, "epoch", epoch + 1, metrics[job.settings.monitor]))

    data = _data(job.settings.dataset, job.settings.split)
    if tracking.run_key(job.settings, data.digest) != job.key:
        raise RunError(
            f"the code, its versions or the data on {socket.gethostname()} are not those that the suite was "
            "started with; install the same, and set CIFAKE_DATA to the same data"
        )
    # Another suite may train the same at this moment: wait for its end, then there is nothing to do.
    with tracking.only_process(tracking.checkpoint_directory(job.key), "training", timeout=-1):
        if not surroundings.force and (finished := tracking.finished_run(job.key)):
            if not lacks_test(finished, job.settings):
                return Event(job.number, "reused", run_id=finished)
            stress_finished_run(finished, data.test)
            return Event(job.number, "finished", run_id=finished)
        # An earlier attempt may have been lost with its worker.
        begun = tracking.end_lost_runs(surroundings.parent, "its worker was lost", job.key)
        import keras  # takes seconds, in vain where another suite has done all

        keras.backend.clear_session()  # the last run's model is not needed any more
        run_id = train(
            job.variant, job.settings, data, time.perf_counter(),
            watch=watch, parent=surroundings.parent, anew=surroundings.force and not begun,
        )  # fmt: skip
    return Event(job.number, "finished", run_id=run_id)


@contextlib.contextmanager
def _passed_on(job: "Job", send: Callable[[Event], object]) -> Iterator[None]:
    """What is said of a store that is away is for whoever watches the suite."""
    handler = logging.Handler()
    handler.emit = lambda record: send(  # type: ignore[method-assign, assignment]
        Event(job.number, "waits", text=record.getMessage())
    )
    delivery = logging.getLogger("cifake.tracking.delivery")
    delivery.addHandler(handler)
    try:
        yield
    finally:
        delivery.removeHandler(handler)


@functools.cache
def _data(dataset: str, split: str) -> Dataset:
    return load(dataset, split)
