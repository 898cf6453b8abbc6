"""Run jobs in worker processes on this machine, and replace workers that die."""

import contextlib
import multiprocessing
import sys
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing import connection, forkserver
from typing import Any

from cifake.core.backend import keras_backend
from cifake.core.native_output import native_log
from cifake.suite.engines.hardware import divide, find_gpus
from cifake.suite.jobs import ENDS, Capacity, Event, Job, RunContext
from cifake.suite.run_job import run_worker

MOST_DEATHS = 3  # of a job's workers in a row without a new epoch, before the job fails
PATIENCE = 20  # seconds that a stopped run has to record that


class LocalEngine:
    """Worker processes on this machine; see ``divide`` for their number."""

    def __init__(self, workers: int | None) -> None:
        self.workers = workers
        self.gpus = find_gpus()
        self.context = _process_context(self.gpus)

    def capacity(self, jobs: int) -> Capacity:
        count, threads = divide(jobs, self.workers, self.gpus)
        gpus = f" and GPUs: {len(self.gpus)}" if self.gpus else ""
        return Capacity(count, threads, f"workers: {count}{gpus}, threads of each: {threads}")

    def execute(
        self, rounds: Iterable[Sequence[Job]], count: int, run_context: RunContext
    ) -> Iterator[Event]:
        """Run jobs in worker processes, each of which takes one job after another; see ``Engine``."""
        gpus: list[str | None] = list(self.gpus) or [None]
        workers: list[Worker] = []
        try:
            for jobs in rounds:
                missing = range(len(workers), min(count, len(jobs)))
                workers += [Worker(self.context, run_context, gpus[n % len(gpus)]) for n in missing]
                yield from self._run(jobs, workers, run_context)
        finally:
            _stop(workers)

    def _run(self, jobs: Sequence[Job], workers: "list[Worker]", run_context: RunContext) -> Iterator[Event]:
        """One round."""
        waiting = deque(jobs)
        deaths: Counter[int] = Counter()
        while True:
            for worker in workers:
                if worker.job is None and waiting:
                    worker.start(waiting.popleft())
            busy = {worker.pipe: (worker, worker.job) for worker in workers if worker.job}
            if not busy:
                return
            for pipe in connection.wait(list(busy)):
                worker, job = busy[pipe]
                event = worker.receive()
                if event is None:
                    workers[workers.index(worker)] = Worker(self.context, run_context, worker.gpu)
                    event = _after_death(job, worker.process.exitcode, waiting, deaths)
                elif event.kind == "epoch":
                    del deaths[event.job]
                elif event.kind in ENDS:
                    worker.job = None
                yield event


class Worker:
    """A worker process and its current job."""

    def __init__(self, context: Any, run_context: RunContext, gpu: str | None) -> None:
        self.gpu = gpu
        self.pipe, far = context.Pipe()
        self.process = context.Process(target=run_worker, args=(far, run_context, gpu), daemon=True)
        self.process.start()
        far.close()  # so that the pipe ends with the worker
        self.job: Job | None = None

    def start(self, job: Job) -> None:
        """Send the worker its next job."""
        self.job = job
        with contextlib.suppress(BrokenPipeError):  # it has died; receive() finds out
            self.pipe.send(job)

    def receive(self) -> Event | None:
        """The next event; None when the process has died."""
        try:
            event: Event = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            return None
        return event


def _process_context(gpus: Sequence[str]) -> Any:
    """Fork workers from a process that has imported TensorFlow but not used it.

    That process imports once for all workers, while the plan is made. A GPU's driver and the threads of
    other backends may not survive a fork: there each worker imports for itself.
    """
    if sys.platform != "linux" or gpus or keras_backend() != "tensorflow":
        return multiprocessing.get_context("spawn")
    native_log()  # raises an error here, not in the forked process, if the cache cannot be used
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["cifake.suite.engines.preload"])
    forkserver.ensure_running()
    return context


def _after_death(job: Job, exitcode: int | None, waiting: deque[Job], deaths: Counter[int]) -> Event:
    """Put a job whose worker died back at the head of the queue, at most MOST_DEATHS - 1 times."""
    deaths[job.number] += 1
    how = f"its worker died (exit code {exitcode})"
    if deaths[job.number] < MOST_DEATHS:
        waiting.appendleft(job)
        return Event(job.number, "died", text=how)
    reason = f"{how}, {MOST_DEATHS} times, perhaps for lack of memory; see {native_log()}"
    return Event(job.number, "failed", text=reason)


def _stop(workers: Sequence[Worker]) -> None:
    """Let idle workers end, and stop busy ones, whose runs record that."""
    for worker in workers:
        if worker.job:
            worker.process.terminate()
        worker.pipe.close()
    for worker in workers:
        worker.process.join(PATIENCE)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
