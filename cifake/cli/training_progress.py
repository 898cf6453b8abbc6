"""The progress of trainings: one display for single trainings, searches and suites."""

import contextlib
import logging
import math
from collections.abc import Callable, Iterator

from rich.console import Console, RenderableType
from rich.constrain import Constrain
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cifake.contract import higher_is_better

SPEED_PERIOD = 3600  # seconds of which the time left is estimated; an epoch may take minutes
LOGGED = ("train/loss", "val/loss", "val/accuracy")
logger = logging.getLogger(__name__)


class TrainingProgress(Progress):
    """A live area with a bar a training, at the bottom of a terminal; without a terminal it is hidden."""

    def __init__(self, console: Console) -> None:
        self.terminal = console
        super().__init__(
            TextColumn("{task.description}", markup=False), BarColumn(None),
            TextColumn("{task.fields[count]}"), TextColumn("{task.fields[note]}", markup=False),
            TimeRemainingColumn(), TextColumn("left"),
            console=console, disable=not console.is_terminal, transient=True, expand=True,
            speed_estimate_period=SPEED_PERIOD,
        )  # fmt: skip

    def get_renderable(self) -> RenderableType:
        """The bars, with room for the ``^C`` of a terminal, which would wrap and leave a line behind."""
        return Constrain(super().get_renderable(), self.terminal.width - 3)


class TrainingRow:
    """The bar of one training: epochs of at most ``epochs``, the best by ``monitor`` so far, time left."""

    def __init__(self, progress: Progress, name: str, epochs: int, monitor: str) -> None:
        self.progress, self.epochs, self.monitor = progress, epochs, monitor
        self.done = 0
        self.first = 0  # above 1 where the training was resumed: the epochs before are not known here
        self.best = ""  # in words
        self.best_score: float | None = None
        self.task = progress.add_task(name, total=epochs, count=f"0/{epochs}", note="starting")

    def show_epoch(self, number: int, score: float) -> None:
        """Show that an epoch, counted from 1, has ended with this value of the monitored metric."""
        sign = 1 if higher_is_better(self.monitor) else -1
        self.first = self.first or number
        if math.isfinite(score) and (self.best_score is None or sign * score > sign * self.best_score):
            which = str(number) if self.first == 1 else f"since {self.first}"
            self.best, self.best_score = f"best {which}: {self.monitor} {score:.4f}", score
        self.done = number
        self.progress.update(self.task, completed=number, count=f"{number}/{self.epochs}", note=self.best)


@contextlib.contextmanager
def show_training(name: str, epochs: int, monitor: str) -> Iterator[Callable[[int, dict[str, float]], None]]:
    """Show one training: a bar on a terminal, elsewhere a log line an epoch; see ``TrainingRow``.

    Yields:
        What takes each epoch's number, from 0, and its metrics.
    """
    console = Console(stderr=True)
    with TrainingProgress(console) as progress:
        row = TrainingRow(progress, name, epochs, monitor)

        def on_epoch_end(epoch: int, metrics: dict[str, float]) -> None:
            row.show_epoch(epoch + 1, metrics[monitor])
            if not console.is_terminal:
                scores = ", ".join(f"{key} {metrics[key]:.4f}" for key in LOGGED)
                logger.info("epoch %d of %d: %s", epoch + 1, epochs, scores)

        yield on_epoch_end
