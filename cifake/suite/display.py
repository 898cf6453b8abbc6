"""Show the progress of a suite: bars on a terminal, and a line for each change."""

from collections.abc import Sequence

from rich.console import Console

from cifake.cli.training_progress import TrainingProgress, TrainingRow
from cifake.suite.jobs import ENDS, Event, Job

STATES = {
    "started": "starting", "trial": "searching", "finished": "finished", "reused": "reused",
    "failed": "failed", "died": "again", "waits": "waiting",
}  # fmt: skip
STYLES = {"finished": "green", "failed": "red", "died": "yellow", "waits": "yellow"}


class Display:
    """Takes events; shows a bar a running job, and one for the whole suite, while ``progress`` is entered.

    Without a terminal there are only lines.
    """

    def __init__(self, jobs: Sequence[Job], console: Console) -> None:
        self.jobs = {job.number: job for job in jobs}
        self.console = console
        self.ended = 0
        self.progress = TrainingProgress(console)
        self.epochs = sum(job.settings.epochs for job in jobs)
        self.whole = self.progress.add_task(self._count(), total=self.epochs, count="", note="")
        self.rows: dict[int, TrainingRow] = {}

    def show(self, event: Event) -> None:
        """Bring the display up to date with an event."""
        job = self.jobs[event.job]
        if job.number not in self.rows:
            settings = job.settings
            self.rows[job.number] = TrainingRow(self.progress, job.name, settings.epochs, settings.monitor)
        row = self.rows[job.number]
        if event.kind == "epoch":
            # Epochs that an earlier process trained would make the time left too short.
            self._shorten(event.epochs - row.done - 1)
            row.show_epoch(event.epochs, event.score or 0.0)
            self.progress.advance(self.whole)
            return
        note = event.text if event.kind == "trial" else STATES[event.kind]
        self.progress.update(row.task, note=note)
        if event.kind in ENDS:
            self.ended += 1
            self._shorten(job.settings.epochs - row.done)
            self.progress.remove_task(self.rows.pop(job.number).task)
        self.progress.update(self.whole, description=self._count())
        self._print(job, event, row.best)

    def _shorten(self, epochs: int) -> None:
        """Epochs that are not trained here: the whole is less by so many."""
        self.epochs -= epochs
        self.progress.tasks[self.whole].total = self.epochs  # update() would forget the speed

    def _count(self) -> str:
        return f"{self.ended} of {len(self.jobs)} runs"

    def _print(self, job: Job, event: Event, best: str) -> None:
        if not self.console.is_terminal:
            ending = f" ({self.ended} of {len(self.jobs)} done)"
        elif event.kind in ("started", "trial"):
            return  # its bar says so
        else:
            ending = f", {best}" if event.kind == "finished" and best else ""
        reason = f": {event.text}" if event.text else ""
        self.console.print(
            f"{job.name}: {STATES[event.kind]}{reason}{ending}",
            style=STYLES.get(event.kind), soft_wrap=True, markup=False, highlight=False,
        )  # fmt: skip
