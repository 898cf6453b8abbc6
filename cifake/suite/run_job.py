"""Train the jobs of a suite in a worker process, which loads TensorFlow and the data once.

MLflow and Keras are imported when a job runs, since the suite's own process imports this module, too.
"""

import contextlib
import functools
import logging
import os
import signal
import socket
import traceback
from collections.abc import Callable, Iterator
from multiprocessing import connection

from cifake.core.addresses import quiet_mlflow, without_password
from cifake.core.errors import RunError, Terminated, as_mistake, raise_terminated, stop_behind
from cifake.core.native_output import native_log, redirect_to_native_log
from cifake.core.processes import begin_worker
from cifake.data import load
from cifake.suite.jobs import Event, Job, RunContext

Send = Callable[[Event], object]
load_once = functools.cache(load)


def run_worker(pipe: connection.Connection, run_context: RunContext, gpu: str | None) -> None:
    """Train the jobs that come through a pipe from the parent process, and send events back.

    Ends when the pipe is closed, with the parent process, or on SIGTERM, which ends a run as KILLED.
    ``gpu`` is the only one that is visible; None leaves that as it is.
    """
    begin_worker()
    signal.signal(signal.SIGTERM, raise_terminated)
    configure_worker(run_context, gpu)
    with contextlib.suppress(Terminated, EOFError):
        while True:
            job = pipe.recv()
            pipe.send(Event(job.number, "started"))
            pipe.send(run_job(job, run_context, pipe.send))


def configure_worker(run_context: RunContext, gpu: str | None = None) -> None:
    """Set what TensorFlow reads from the environment, and log its messages.

    Only the given GPU is visible then; None leaves that as it is.
    """
    redirect_to_native_log(2)
    quiet_mlflow()
    if run_context.store:
        os.environ["MLFLOW_TRACKING_URI"] = run_context.store
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID"):  # of the suite's own run
        os.environ.pop(name, None)
    os.environ["MLFLOW_EXPERIMENT_NAME"] = run_context.experiment
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(run_context.threads)
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # several may share a GPU's memory


def run_job(job: Job, run_context: RunContext, send: Send) -> Event:
    """Train a job, unless another process has trained it meanwhile; return the event that ends it.

    ``send`` receives an event after each epoch, and when the job waits.

    Raises:
        KeyboardInterrupt, Terminated: the process was told to stop.
    """
    try:
        with forward_store_warnings(job, send):
            return _train(job, run_context, send)
    except Exception as error:  # noqa: BLE001, a failed run does not stop the others; it is reported
        if stop := stop_behind(error):
            raise stop from None
        if mistake := as_mistake(error):
            return Event(job.number, "failed", text=f"{type(mistake).__name__}: {mistake}")
        reason = without_password(traceback.format_exception_only(error)[-1].strip())
        error.add_note(f"The messages of TensorFlow are in {native_log()} on {socket.gethostname()}")
        details = without_password(traceback.format_exc())
        return Event(job.number, "failed", text=reason, details=details)


def _train(job: Job, run_context: RunContext, send: Send) -> Event:
    from cifake.tracking.identity import run_key
    from cifake.tracking.queries import finished_run
    from cifake.tracking.resolved_model import find_model
    from cifake.tracking.results import lacks_export, log_export
    from cifake.tracking.resume import end_lost_runs
    from cifake.train.pipeline import complete_robustness_test, lacks_test, train

    data = load_once(**job.settings.load_arguments)
    if run_key(job.settings, data.digest) != job.key:
        raise RunError(
            f"the code, its versions or the data on {socket.gethostname()} are not those that the suite was "
            "started with; install the same, and set CIFAKE_DATA to the same data"
        )
    with _training_lock(job, send):
        if not run_context.force and (finished := finished_run(job.key)):
            test, export = lacks_test(finished, job.settings), job.settings.export
            if test:
                complete_robustness_test(finished, data.test)
            if export and lacks_export(finished, export):
                log_export(finished, find_model(finished).load(), export)
            elif not test:
                return Event(job.number, "reused", run_id=finished)
            return Event(job.number, "finished", run_id=finished)
        # An earlier attempt may have been lost with its worker.
        begun = end_lost_runs(run_context.parent, "its worker was lost", job.key)
        import keras

        keras.backend.clear_session()  # frees the last run's model
        run_id = train(
            job.variant, job.settings, data, watch=functools.partial(_watch, job, send),
            parent=run_context.parent, from_scratch=run_context.force and not begun,
        )  # fmt: skip
    return Event(job.number, "finished", run_id=run_id)


@contextlib.contextmanager
def _training_lock(job: Job, send: Send) -> Iterator[None]:
    """Hold the lock of a training; while another process holds it, wait and say so."""
    from cifake.tracking.identity import checkpoint_directory
    from cifake.tracking.resume import only_process

    lock = functools.partial(only_process, checkpoint_directory(job.key), "training")
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock())
        except RunError:
            send(Event(job.number, "waits", text="another process trains it"))
            stack.enter_context(lock(timeout=-1))
            send(Event(job.number, "started"))
        yield


@contextlib.contextmanager
def _watch(
    job: Job, send: Send, name: str, _epochs: int, monitor: str
) -> Iterator[Callable[[int, dict[str, float]], None]]:
    """Send an event after each epoch of the job's training, and one at the start of each trial."""
    is_trial = name != job.variant
    if is_trial:
        send(Event(job.number, "trial", text=name))

    def on_epoch_end(epoch: int, metrics: dict[str, float]) -> None:
        if not is_trial:
            send(Event(job.number, "epoch", epoch + 1, metrics[monitor]))

    yield on_epoch_end


@contextlib.contextmanager
def forward_store_warnings(job: Job, send: Send) -> Iterator[None]:
    """Forward store-outage warnings to the display."""
    handler = logging.Handler()
    handler.emit = lambda record: send(  # type: ignore[method-assign, assignment]
        Event(job.number, "waits", text=record.getMessage())
    )
    retry_logger = logging.getLogger("cifake.tracking.retry")
    retry_logger.addHandler(handler)
    try:
        yield
    finally:
        retry_logger.removeHandler(handler)
