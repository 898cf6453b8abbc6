"""What trains the runs of a suite: this machine, or a cluster."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cifake.config import require_ray

if TYPE_CHECKING:
    from cifake.suite.command import Options
    from cifake.suite.plan import Job
    from cifake.suite.worker import Event, Surroundings


@dataclass(frozen=True)
class Places:
    """Where runs are trained.

    Attributes:
        count: how many at once.
        threads: of each.
        text: the same, and more, for the plan.
    """

    count: int
    threads: int
    text: str


class Engine(Protocol):
    """What display, failures and ranking know of an engine."""

    def places(self, jobs: int) -> Places:
        """Where so many jobs would be trained."""

    def execute(self, jobs: "Sequence[Job]", count: int, surroundings: "Surroundings") -> "Iterator[Event]":
        """Train jobs, in this order, so many at once.

        Yields:
            Events as they come. The end of the iteration, also by an exception, ends all that was
            started; runs that are stopped by it say so.
        """


def choose(options: "Options") -> Engine:
    """The engine that was asked for; a cluster is reached here.

    Raises:
        ConfigError, RunError: it cannot be.
    """
    if options.engine == "ray":
        require_ray()
        from cifake.suite.cluster import RayEngine

        return RayEngine(options.address, options.share, len(options.variants) * len(options.seeds))
    from cifake.suite.workers import LocalEngine

    return LocalEngine(options.workers)
