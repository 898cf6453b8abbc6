"""Run jobs as tasks on a Ray cluster, which restarts them when a node is lost."""

import dataclasses
import os
import signal
import socket
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from cifake.core.addresses import without_password
from cifake.core.backend import keras_backend
from cifake.core.errors import RunError
from cifake.suite.engines.event_queue import EventQueue
from cifake.suite.engines.imports import import_all
from cifake.suite.jobs import Capacity, Event, Job, Resources, RunContext
from cifake.suite.run_job import configure_worker, run_job
from cifake.tracking.store import shared_address

# Both are read at import. By default Ray takes 20 s to refuse a wrong token, and prints sixty lines about a
# lost node, which the run's event says in one.
os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")
os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".*")
import ray

RETRIES = 10  # of a run whose node or worker was lost, before the run fails
PATIENCE = 20  # seconds that stopped runs have to record that
FORWARDED = ("CIFAKE_DATA", "CIFAKE_CACHE")  # nodes keep their own where it is not set here


class RayEngine:
    """Tasks on the nodes of a Ray cluster: at most ``jobs``, each with its resources.

    As many workers import TensorFlow while the plan is made.

    Raises:
        RunError: nothing answers at the address, no node is large enough, or the store is a file that
            other machines cannot read.
    """

    def __init__(self, address: str, resources: Resources, jobs: int) -> None:
        self.resources = resources
        _connect(address)
        nodes = [node for node in ray.nodes() if node["Alive"]]
        self.nodes = len(nodes)
        needed = {"CPU": resources.cpus, "GPU": resources.gpus, "memory": resources.memory}
        self.count = sum(_runs_at_once(node["Resources"], needed) for node in nodes)
        if not self.count:
            raise RunError(f"no node of the cluster at {address} has {resources}; ask for less")
        others = {node["NodeManagerHostname"] for node in nodes} - {socket.gethostname()}
        environment = {name: os.environ[name] for name in FORWARDED if name in os.environ}
        environment["KERAS_BACKEND"] = keras_backend()
        self.request = {
            "num_cpus": resources.cpus, "num_gpus": resources.gpus, "memory": resources.memory or None,
            "runtime_env": {"env_vars": environment},
        }  # fmt: skip
        # Not in the runtime environment, which Ray writes to its logs and pages: it may hold a password.
        self.store = shared_address(sorted(others))
        warm_up = ray.remote(**self.request)(import_all)
        for _ in range(min(self.count, jobs)):
            warm_up.remote()

    def capacity(self, jobs: int) -> Capacity:
        text = f"Ray nodes: {self.nodes}, runs at once: {self.count}, each with {self.resources}"
        return Capacity(max(1, min(self.count, jobs)), self.resources.cpus, text)

    def execute(
        self, rounds: Iterable[Sequence[Job]], count: int, run_context: RunContext
    ) -> Iterator[Event]:
        """Submit jobs as tasks; see ``Engine``. Ray decides how many run at once."""
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )  # the event queue ends with the suite, not with another node
        event_queue = ray.remote(num_cpus=0, scheduling_strategy=here)(EventQueue).remote()
        task = ray.remote(**self.request, max_retries=RETRIES)(train)
        run_context = dataclasses.replace(run_context, store=self.store)
        running: dict[ray.ObjectRef, Job] = {}
        try:
            for jobs in rounds:
                by_key: dict[str, deque[Job]] = defaultdict(deque)  # equal trainings run one after another
                for job in jobs:
                    by_key[job.key].append(job)
                ready = [equal.popleft() for equal in by_key.values()]
                while ready or running:
                    running |= {task.remote(job, run_context, event_queue): job for job in ready}
                    ended, _ = ray.wait(list(running), timeout=0.5)
                    numbers = {job.number for job in running.values()}
                    events = (Event(**event) for event in ray.get(event_queue.take.remote()))
                    yield from (event for event in events if event.job in numbers)
                    done = [running.pop(reference) for reference in ended]
                    yield from map(_result, ended, done)
                    ready = [by_key[job.key].popleft() for job in done if by_key[job.key]]
        except ray.exceptions.RayError as error:  # of the event queue, which is where the suite is
            raise RunError(f"Ray has failed here ({_reason(error)}); the same command resumes") from None
        finally:
            _cancel(list(running))
            ray.shutdown()


def train(job: Job, run_context: RunContext, event_queue: "ray.actor.ActorHandle") -> Event:
    """Train a job as a Ray task, which Ray restarts, on another node if need be, when it is lost.

    The task never waits for the event queue: Ray would lend its cores to another task meanwhile.
    """
    event_queue.start.remote(job.number)
    configure_worker(run_context)
    return run_job(job, run_context, lambda event: event_queue.put.remote(dataclasses.asdict(event)))


def _connect(address: str) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS") or address
    host, _, port = address.rpartition(":")
    try:
        if port.isdecimal():  # Ray itself takes two minutes to find that nobody answers
            socket.create_connection((host, int(port)), timeout=5).close()
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(
            f"no Ray cluster can be used at address={address} ({reason}); expected auto, on a machine where "
            "ray start was called, or host:port of its head; see docs/scaling.md"
        ) from None
    finally:
        signal.signal(signal.SIGTERM, handler)  # Ray's would end the suite without recording it


def _cancel(references: "list[ray.ObjectRef]") -> None:
    """Cancel tasks: running ones receive KeyboardInterrupt, have time to record that, and are killed then."""
    for reference in reversed(references):  # the last ones wait; they would start in place of the first
        ray.cancel(reference)
    if not references:
        return
    _, left = ray.wait(references, num_returns=len(references), timeout=PATIENCE)
    for reference in left:
        ray.cancel(reference, force=True)
    if left:
        ray.wait(left, num_returns=len(left), timeout=PATIENCE)


def _result(reference: "ray.ObjectRef", job: Job) -> Event:
    try:
        event: Event = ray.get(reference)
    except ray.exceptions.RayError as error:
        is_defect = isinstance(error, ray.exceptions.RayTaskError)  # others are of machines
        details = without_password(str(error)) if is_defect else ""
        return Event(job.number, "failed", text=without_password(_reason(error)), details=details)
    return event


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}"


def _runs_at_once(available: Mapping[str, float], needed: Mapping[str, float]) -> int:
    """How many runs fit on a node."""
    return int(min(available.get(name, 0.0) // amount for name, amount in needed.items() if amount))
