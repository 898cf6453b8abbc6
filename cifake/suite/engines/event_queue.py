"""Collects the events of a suite on a cluster; it imports little, which would take a core from the runs."""

from collections import Counter
from typing import Any


class EventQueue:
    """A Ray actor on the node of the suite. It receives events, as mappings, from all nodes."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.starts: Counter[int] = Counter()

    def start(self, job: int) -> None:
        """Note that a job starts; if it had started before, that attempt was lost."""
        self.starts[job] += 1
        if self.starts[job] > 1:
            self.put({"job": job, "kind": "died", "text": "its node or worker was lost"})
        self.put({"job": job, "kind": "started"})

    def put(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    def take(self) -> list[dict[str, Any]]:
        """Return the events since the last call."""
        taken, self.events = self.events, []
        return taken
