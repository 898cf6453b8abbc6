"""A worker: TensorFlow and the data are loaded once, then one run after another is trained."""

import contextlib
import functools
import logging
import os
import signal
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from multiprocessing import connection
from pathlib import Path

from cifake.core.cache_directory import cache_directory
from cifake.core.errors import RunError, Terminated, as_mistake, raise_terminated, stop_behind
from cifake.core.processes import end_with_parent
from cifake.data import Dataset, load
from cifake.suite.jobs import Event, Job, RunContext


def worker_log() -> Path:
    """A file for what TensorFlow and others say, which would spoil the display."""
    return cache_directory() / "workers.log"


def serve(pipe: connection.Connection, run_context: RunContext, gpu: str | None) -> None:
    """Train the jobs that come through a pipe, and send events back.

    Ends when the pipe is closed, with the parent process, or by SIGTERM, which ends a run as KILLED.

    Args:
        pipe: to the parent process.
        run_context: of all runs.
        gpu: the only one to see; None leaves that as it is.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent decides
    signal.signal(signal.SIGTERM, raise_terminated)
    threading.Thread(target=end_with_parent, daemon=True).start()
    configure_worker(run_context, gpu)
    with worker_log().open("a") as stream, contextlib.suppress(Terminated, EOFError):
        os.dup2(stream.fileno(), 2)
        while True:
            job = pipe.recv()
            pipe.send(Event(job.number, "started"))
            pipe.send(run_job(job, run_context, pipe.send))


def configure_worker(run_context: RunContext, gpu: str | None = None) -> None:
    """Set the environment of a worker, before TensorFlow reads it; see ``serve``."""
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    os.environ.pop("MLFLOW_RUN_ID", None)  # the suite's own run
    os.environ["MLFLOW_EXPERIMENT_NAME"] = run_context.experiment
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(run_context.threads)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # several may share a GPU's memory
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # it would spoil the display


def run_job(job: Job, run_context: RunContext, send: Callable[[Event], object]) -> Event:
    """Train a job, unless that has been done meanwhile.

    Args:
        job: what to train.
        run_context: of all runs.
        send: takes an event after each epoch.

    Returns:
        The event that ends the job.
    """
    try:
        with _passed_on(job, send):
            return _train(job, run_context, send)
    except Exception as error:  # noqa: BLE001, a run that fails does not stop the others; it is reported
        if stop := stop_behind(error):
            raise stop from None
        if mistake := as_mistake(error):
            return Event(job.number, "failed", text=f"{type(mistake).__name__}: {mistake}")
        reason = traceback.format_exception_only(error)[-1].strip()
        return Event(job.number, "failed", text=reason, details=traceback.format_exc())


def _train(job: Job, run_context: RunContext, send: Callable[[Event], object]) -> Event:
    from cifake.tracking.identity import checkpoint_directory, run_key
    from cifake.tracking.queries import finished_run
    from cifake.tracking.resume import end_lost_runs, only_process
    from cifake.train.pipeline import complete_robustness_test, lacks_test, train

    def watch(epoch: int, metrics: dict[str, float]) -> None:
        send(Event(job.number, "epoch", epoch + 1, metrics[job.settings.monitor]))

    data = _data(job.settings.dataset, job.settings.split)
    if run_key(job.settings, data.digest) != job.key:
        raise RunError(
            f"the code, its versions or the data on {socket.gethostname()} are not those that the suite was "
            "started with; install the same, and set CIFAKE_DATA to the same data"
        )
    # Another suite may train the same at this moment: wait for its end, then there is nothing to do.
    with only_process(checkpoint_directory(job.key), "training", timeout=-1):
        if not run_context.force and (finished := finished_run(job.key)):
            if not lacks_test(finished, job.settings):
                return Event(job.number, "reused", run_id=finished)
            complete_robustness_test(finished, data.test)
            return Event(job.number, "finished", run_id=finished)
        # An earlier attempt may have been lost with its worker.
        begun = end_lost_runs(run_context.parent, "its worker was lost", job.key)
        import keras  # takes seconds, in vain where another suite has done all

        keras.backend.clear_session()  # the last run's model is not needed any more
        run_id = train(
            job.variant, job.settings, data, on_epoch_end=watch, parent=run_context.parent,
            from_scratch=run_context.force and not begun,
        )  # fmt: skip
    return Event(job.number, "finished", run_id=run_id)


@contextlib.contextmanager
def _passed_on(job: Job, send: Callable[[Event], object]) -> Iterator[None]:
    """What is said of a store that is away is for whoever watches the suite."""
    handler = logging.Handler()
    handler.emit = lambda record: send(  # type: ignore[method-assign, assignment]
        Event(job.number, "waits", text=record.getMessage())
    )
    delivery = logging.getLogger("cifake.tracking.retry")
    delivery.addHandler(handler)
    try:
        yield
    finally:
        delivery.removeHandler(handler)


@functools.cache
def _data(dataset: str, split: str) -> Dataset:
    return load(dataset, split)
