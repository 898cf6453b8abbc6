"""Show how far a suite is: one line a run on a terminal, a line for each change elsewhere."""

from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cifake.suite.jobs import Event, Job

WORDS = {
    "started": "starting", "epoch": "training", "finished": "finished", "reused": "reused",
    "failed": "failed", "died": "again", "waits": "waiting",
}  # fmt: skip
ENDS = ("finished", "reused", "failed")


class Display:
    """Takes events; a context in which the lines are kept up to date.

    Args:
        jobs: what is to be done.
        console: where to; without a terminal it gets plain lines.
    """

    def __init__(self, jobs: Sequence[Job], console: Console) -> None:
        self.jobs = {job.number: job for job in jobs}
        self.console = console
        self.done = 0
        self.epochs: Counter[int] = Counter()  # of each job, all of them where it has ended
        self.progress = Progress(
            TextColumn("{task.description}"), TextColumn("{task.fields[state]:8}"), BarColumn(30),
            MofNCompleteColumn(), TextColumn("{task.fields[score]:20}"), TimeRemainingColumn(),
            console=console, disable=not console.is_terminal,
        )  # fmt: skip
        epochs = sum(job.settings.epochs for job in jobs)
        self.whole = self.progress.add_task("all, epochs", total=epochs, state="", score="")
        self.lines = {
            job.number: self.progress.add_task(
                job.name, total=job.settings.epochs, start=False, visible=False, state="", score=""
            )
            for job in jobs
        }

    def __enter__(self) -> "Display":
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def show(self, event: Event) -> None:
        """Bring the lines up to date with an event."""
        job = self.jobs[event.job]
        ended = event.kind in ENDS
        self.done += ended
        self.epochs[job.number] = job.settings.epochs if ended else event.epochs or self.epochs[job.number]
        line = self.lines[event.job]
        changes: dict[str, Any] = {"state": WORDS[event.kind], "visible": True}
        if event.kind == "started":
            self.progress.start_task(line)
        elif event.kind == "epoch":
            changes |= {"completed": event.epochs, "score": f"{job.settings.monitor} {event.score:.4f}"}
        elif ended and event.kind != "failed":  # patience may have ended it early
            changes["completed"] = job.settings.epochs
        self.progress.update(line, **changes)
        whole = self.epochs.total()
        self.progress.update(self.whole, completed=whole, state=f"{self.done} of {len(self.jobs)}")
        if not self.console.is_terminal and event.kind != "epoch":
            reason = f": {event.text}" if event.text else ""
            self.console.print(
                f"{job.name}: {WORDS[event.kind]}{reason} ({self.done} of {len(self.jobs)} done)",
                soft_wrap=True, markup=False, highlight=False,
            )  # fmt: skip
