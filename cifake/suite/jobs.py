"""What the parts of a suite share: its jobs, the events they send, and what each may use."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import ByteSize

from cifake.config import Settings

STATES = ("reuse", "test", "resume", "train")  # test: trained already, only its robustness test is missing


@dataclass(frozen=True)
class Job:
    """One run of a suite.

    Attributes:
        number: its place in the plan, from 0.
        variant: its name.
        settings: as resolved, with the name of the data set found.
        key: names everything that decides its scores.
        state: one of STATES when the plan was made; it may have changed by the time the job starts.
        run_id: of the run to reuse or to test.
        seconds: training time of earlier runs with these settings; None without any.
    """

    number: int
    variant: str
    settings: Settings
    key: str
    state: str = "train"
    run_id: str = ""
    seconds: float | None = None

    @property
    def name(self) -> str:
        return f"{self.variant} seed {self.settings.seed}"


@dataclass(frozen=True)
class Event:
    """What happened to a job.

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


@dataclass(frozen=True)
class RunContext:
    """What all runs of a suite share.

    Attributes:
        parent: the id of the suite's run.
        experiment: where runs are filed.
        threads: of each worker.
        force: train again what is finished.
    """

    parent: str
    experiment: str
    threads: int
    force: bool


@dataclass(frozen=True)
class Resources:
    """What each run takes of a node of a cluster.

    Attributes:
        cpus: cores, and threads.
        gpus: whole ones, or a fraction of one, such as 0.5.
        memory: bytes; 0 sets no limit.
    """

    cpus: int
    gpus: float
    memory: int

    def by_ray_name(self) -> dict[str, float]:
        return {"CPU": self.cpus, "GPU": self.gpus, "memory": self.memory}

    def __str__(self) -> str:
        memory = f" memory={ByteSize(self.memory).human_readable()}" if self.memory else ""
        return f"cpus={self.cpus} gpus={self.gpus:g}{memory}"


@dataclass(frozen=True)
class Capacity:
    """How many runs an engine trains at once.

    Attributes:
        count: runs at once.
        threads: of each run.
        text: the same, and more, for the plan.
    """

    count: int
    threads: int
    text: str


class Engine(Protocol):
    """What trains the runs of a suite: this machine, or a cluster."""

    def capacity(self, jobs: int) -> Capacity:
        """The capacity for so many jobs."""

    def execute(self, jobs: Sequence[Job], count: int, run_context: RunContext) -> Iterator[Event]:
        """Train jobs in this order, ``count`` at once.

        Yields:
            Events as they come. When the iteration ends, also by an exception, everything that was
            started is stopped; the runs that are stopped record it.
        """
