"""Shared types of a suite: jobs, the events they send, and what each job may use."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import ByteSize

from cifake.config import Settings

STATES = ("reuse", "test", "resume", "train")  # test: trained already, only its robustness test is missing
FIRST_LOOK = 3  # seeds, of a suite that looks: with two, no interval at a look's level is of use
ENDS = ("finished", "reused", "failed")  # kinds of events that end a job


@dataclass(frozen=True)
class Job:
    """One run of a suite.

    Attributes:
        number: index in the plan, from 0.
        variant: the variant's name.
        settings: resolved, with the name of the data set.
        key: the run key, which identifies everything that decides the scores.
        state: one of STATES when the plan was made; it may have changed by the time the job starts.
        run_id: the run to reuse or to test.
        seconds: mean training time of earlier runs with these settings; None without any.
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
        job: the job's number.
        kind: ``started``, ``trial``, ``epoch``, ``waits``, ``died`` or one of ENDS.
        epochs: number of finished epochs.
        score: the monitored metric of the last epoch.
        run_id: the finished run.
        text: why the job failed, what it waits for, or which trial it runs.
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
    """What all runs of a suite have in common.

    Attributes:
        parent: the id of the suite's run.
        experiment: the experiment's name.
        threads: of each worker.
        force: train finished runs again.
    """

    parent: str
    experiment: str
    threads: int
    force: bool


@dataclass(frozen=True)
class Resources:
    """What each run requests from a node of a cluster.

    Attributes:
        cpus: cores, and threads.
        gpus: a whole number, or a fraction of one GPU, such as 0.5.
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
    """How many runs an engine trains at once, with how many threads each, and the same for the plan."""

    count: int
    threads: int
    text: str


class Engine(Protocol):
    """Trains the runs of a suite, on this machine or on a cluster."""

    def capacity(self, jobs: int) -> Capacity:
        """The capacity for this number of jobs."""

    def execute(
        self, rounds: Iterable[Sequence[Job]], count: int, run_context: RunContext
    ) -> Iterator[Event]:
        """Train the jobs of each round in this order, ``count`` at once.

        A round is asked for when all events of the one before have been taken.

        Yields:
            Events as they come. When the iteration ends, also by an exception, everything that was
            started is stopped, and the stopped runs record that.
        """
