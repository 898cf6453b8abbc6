"""Hand jobs to Ray, which places them on nodes, and starts them again where a node was lost."""

import dataclasses
import os
import signal
import socket
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence

from cifake.core.errors import RunError
from cifake.suite.engines.event_queue import EventQueue
from cifake.suite.engines.imports import import_all
from cifake.suite.jobs import Capacity, Event, Job, Resources, RunContext
from cifake.suite.run_job import configure_worker, run_job
from cifake.tracking.store import shared_address

# Both are read at import. Twenty tries take 20 s to find that a token is wrong; what Ray says of a lost node,
# sixty lines on standard output, the event of the run says in one.
os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "1")
os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", ".*")
import ray

RETRIES = 10  # of a run whose node or worker was lost; the same command tries again what is given up
PATIENCE = 20  # seconds that runs get to say that they were stopped
PASSED_ON = ("CIFAKE_DATA", "CIFAKE_CACHE", "KERAS_BACKEND")  # a node's own where it is not set here


class RayEngine:
    """Tasks on the nodes of a Ray cluster.

    Args:
        address: of its head, or ``auto``.
        resources: what each run takes of a node.
        jobs: of the suite, at most; on so many places TensorFlow is imported while the plan is made.

    Raises:
        RunError: nothing answers there, no node is large enough, or the store is a file that other
            machines do not have.
    """

    def __init__(self, address: str, resources: Resources, jobs: int) -> None:
        self.resources = resources
        _connect(address)
        nodes = [node for node in ray.nodes() if node["Alive"]]
        self.nodes = len(nodes)
        self.count = sum(_fitting(node["Resources"], resources.by_ray_name()) for node in nodes)
        if not self.count:
            raise RunError(f"no node of the cluster at {address} has {resources}; ask for less")
        others = {node["NodeManagerHostname"] for node in nodes} - {socket.gethostname()}
        needed = resources.by_ray_name()
        self.request = {
            "num_cpus": needed["CPU"], "num_gpus": needed["GPU"], "memory": needed["memory"] or None,
            "runtime_env": {
                "env_vars": {**_environment(), "MLFLOW_TRACKING_URI": shared_address(sorted(others))}
            },
        }  # fmt: skip
        beginning = ray.remote(**self.request)(import_all)
        for _ in range(min(self.count, jobs)):
            beginning.remote()

    def capacity(self, jobs: int) -> Capacity:
        text = f"Ray nodes: {self.nodes}, runs at once: {self.count}, each with {self.resources}"
        return Capacity(max(1, min(self.count, jobs)), self.resources.cpus, text)

    def execute(self, jobs: Sequence[Job], count: int, run_context: RunContext) -> Iterator[Event]:
        """Submit jobs as tasks; see ``Engine``. Ray decides how many run at once."""
        here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            ray.get_runtime_context().get_node_id(), soft=False
        )  # it ends with the suite, not with another node
        event_queue = ray.remote(num_cpus=0, scheduling_strategy=here)(EventQueue).remote()
        task = ray.remote(**self.request, max_retries=RETRIES)(train)
        alike: dict[str, deque[Job]] = defaultdict(deque)  # variants with the same settings, one by one
        for job in jobs:
            alike[job.key].append(job)
        ready = [same.popleft() for same in alike.values()]
        running: dict[ray.ObjectRef, Job] = {}
        try:
            while ready or running:
                running |= {task.remote(job, run_context, event_queue): job for job in ready}
                ended, _ = ray.wait(list(running), timeout=0.5)
                numbers = {job.number for job in running.values()}
                events = (Event(**event) for event in ray.get(event_queue.take.remote()))
                yield from (event for event in events if event.job in numbers)
                done = [running.pop(reference) for reference in ended]
                yield from map(_result, ended, done)
                ready = [alike[job.key].popleft() for job in done if alike[job.key]]
        except ray.exceptions.RayError as error:  # of the event queue, which is where the suite is
            raise RunError(f"Ray has failed here ({_reason(error)}); the same command goes on") from None
        finally:
            _cancel(list(running))
            ray.shutdown()


def train(job: Job, run_context: RunContext, event_queue: "ray.actor.ActorHandle") -> Event:
    """A task: Ray starts it again, on another node if need be, when its node or worker is lost.

    It asks nothing of the event queue: while a task waits for an answer, Ray lends its cores to another.
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
        if port.isdecimal():  # Ray itself takes two minutes to say that nobody answers
            socket.create_connection((host, int(port)), timeout=5).close()
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(
            f"no Ray cluster can be used at address={address} ({reason}); expected auto, on a machine where "
            "ray start was called, or host:port of its head; see docs/scaling.md"
        ) from None
    finally:
        signal.signal(signal.SIGTERM, handler)  # Ray's would end the suite without its last words


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


def _cancel(references: "list[ray.ObjectRef]") -> None:
    """What waits never starts; what runs gets a KeyboardInterrupt, and time to say so."""
    for reference in reversed(references):  # the last ones wait, and would start in the place of the first
        ray.cancel(reference)
    if references:
        ray.wait(references, num_returns=len(references), timeout=PATIENCE)


def _result(reference: "ray.ObjectRef", job: Job) -> Event:
    try:
        event: Event = ray.get(reference)
    except ray.exceptions.RayError as error:
        return Event(job.number, "failed", text=_reason(error), details=str(error))
    return event


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[-1]}"


def _fitting(node: Mapping[str, float], share: Mapping[str, float]) -> int:
    """How many shares a node has."""
    return int(min(node.get(name, 0.0) // part for name, part in share.items() if part))
