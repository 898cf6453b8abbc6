"""Shared types of a suite: jobs, the events they send, and what each job may use."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import ByteSize

from cifake.config import Settings

# test, export: trained already, only its robustness test or its model as a file is missing.
STATES = ("reuse", "test", "export", "resume", "train")
FIRST_LOOK = 3  # seeds, of a suite that looks: with two, no interval at a look's level is of use
ENDS = ("finished", "reused", "failed")  # kinds of events that end a job


@dataclass(frozen=True)
class Job:
    """One run of a suite."""

    number: int  # index in the plan, from 0
    variant: str
    settings: Settings  # resolved, with the name of the data set
    key: str  # the run key, which identifies everything that decides the scores
    state: str = "train"  # one of STATES when the plan was made; it may have changed when the job starts
    run_id: str = ""  # the run to reuse, to test or to export
    seconds: float | None = None  # mean training time of earlier runs with these settings

    @property
    def name(self) -> str:
        return f"{self.variant} seed {self.settings.seed}"


@dataclass(frozen=True)
class Event:
    """What happened to a job."""

    job: int  # its number
    kind: str  # started, trial, epoch, waits, died or one of ENDS
    epochs: int = 0  # that are finished
    score: float | None = None  # the monitored metric of the last epoch
    run_id: str = ""  # the finished run
    text: str = ""  # why the job failed, what it waits for, or which trial it runs
    details: str = ""  # the traceback of a defect


@dataclass(frozen=True)
class RunContext:
    """What all runs of a suite have in common."""

    parent: str  # the id of the suite's run
    experiment: str  # the name of the experiment that runs belong to
    threads: int  # of each worker
    force: bool  # train finished runs again
    store: str = field(default="", repr=False)  # its address, for workers that do not inherit it


@dataclass(frozen=True)
class Resources:
    """What each run requests from a node of a cluster."""

    cpus: int  # cores, and threads
    gpus: float  # a whole number, or a fraction of one GPU, such as 0.5
    memory: int  # bytes; 0 sets no limit

    def __str__(self) -> str:
        memory = f" memory={ByteSize(self.memory).human_readable()}" if self.memory else ""
        return f"cpus={self.cpus} gpus={self.gpus:g}{memory}"


@dataclass(frozen=True)
class Capacity:
    """How many runs an engine trains at once, with how many threads each."""

    count: int
    threads: int  # of each run
    text: str  # a description for the plan


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
