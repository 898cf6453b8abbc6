"""Where events of a suite on a cluster meet; loads nothing, since all runs wait for its process to start."""

from collections import Counter
from typing import Any


class Mailbox:
    """An actor beside the suite: it takes events, as mappings, from all nodes."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.starts: Counter[int] = Counter()

    def start(self, job: int) -> bool:
        """Whether a job starts for the first time."""
        self.starts[job] += 1
        first = self.starts[job] == 1
        if not first:
            self.put({"job": job, "kind": "died", "text": "its node or worker was lost"})
        self.put({"job": job, "kind": "started"})
        return first

    def put(self, event: dict[str, Any]) -> None:
        self.events.append(event)

    def take(self) -> list[dict[str, Any]]:
        taken, self.events = self.events, []
        return taken
