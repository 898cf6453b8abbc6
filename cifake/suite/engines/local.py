"""Hand jobs to worker processes of this machine, and replace those that die."""

import contextlib
import multiprocessing
import os
import sys
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from multiprocessing import connection, forkserver
from typing import Any

from cifake.suite.engines.hardware import divide, find_gpus
from cifake.suite.jobs import Capacity, Event, Job, RunContext
from cifake.suite.run_job import serve, worker_log

MOST_DEATHS = 3  # of a job's workers in a row without a new epoch, before it is given up
PATIENCE = 20  # seconds that a run gets to say that it was stopped


class LocalEngine:
    """Worker processes of this machine.

    Args:
        workers: how many; None chooses.
    """

    def __init__(self, workers: int | None) -> None:
        self.workers = workers
        self.gpus = find_gpus()
        self.context = _begin(self.gpus)

    def capacity(self, jobs: int) -> Capacity:
        count, threads = divide(jobs, self.workers, self.gpus)
        gpus = f" and GPUs: {len(self.gpus)}" if self.gpus else ""
        return Capacity(count, threads, f"workers: {count}{gpus}, threads of each: {threads}")

    def execute(self, jobs: Sequence[Job], count: int, run_context: RunContext) -> Iterator[Event]:
        """Run jobs over worker processes that live on between them; see ``Engine``."""
        waiting = deque(jobs)
        deaths: Counter[int] = Counter()
        gpus: list[str | None] = list(self.gpus) or [None]
        workers = [
            Worker(self.context, run_context, gpus[n % len(gpus)]) for n in range(min(count, len(jobs)))
        ]
        try:
            while True:
                for worker in workers:
                    if worker.job is None and waiting:
                        _hand(worker, waiting)
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
                    elif event.kind not in ("started", "waits"):
                        worker.job = None
                    yield event
        finally:
            _end(workers)


class Worker:
    """A worker process, and the job it has."""

    def __init__(self, context: Any, run_context: RunContext, gpu: str | None) -> None:
        self.gpu = gpu
        self.pipe, far = context.Pipe()
        self.process = context.Process(target=serve, args=(far, run_context, gpu), daemon=True)
        self.process.start()
        far.close()  # so that the worker's end of the pipe ends with the worker
        self.job: Job | None = None

    def receive(self) -> Event | None:
        """The next event; None when the process has died."""
        try:
            event: Event = self.pipe.recv()
        except (EOFError, ConnectionResetError):
            self.process.join()
            return None
        return event


def _begin(gpus: Sequence[str]) -> Any:
    """How workers come to be: forked from a process that has imported TensorFlow and not used it yet.

    It imports while the plan is made, once for all workers. What would have to survive a fork, a GPU's
    driver and the threads of other backends, is not risked: there each worker imports for itself.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if sys.platform != "linux" or gpus or backend != "tensorflow":
        return multiprocessing.get_context("spawn")
    worker_log()  # where the cache cannot be used, this process says so
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["cifake.suite.engines.preload"])
    forkserver.ensure_running()
    return context


def _hand(worker: Worker, waiting: deque[Job]) -> None:
    worker.job = waiting.popleft()
    with contextlib.suppress(BrokenPipeError):  # it has died; receive() finds out
        worker.pipe.send(worker.job)


def _after_death(job: Job, exitcode: int | None, waiting: deque[Job], deaths: Counter[int]) -> Event:
    """Put a job whose worker died back at the head of the queue, unless that happens again and again."""
    deaths[job.number] += 1
    how = f"its worker died (exit code {exitcode})"
    if deaths[job.number] < MOST_DEATHS:
        waiting.appendleft(job)
        return Event(job.number, "died", text=how)
    return Event(job.number, "failed", text=f"{how}, {MOST_DEATHS} times, perhaps for lack of memory")


def _end(workers: Sequence[Worker]) -> None:
    """Idle workers return; those with a job are stopped, so that their runs say so."""
    for worker in workers:
        if worker.job:
            worker.process.terminate()
        worker.pipe.close()
    for worker in workers:
        worker.process.join(PATIENCE)
        if worker.process.is_alive():
            worker.process.kill()
