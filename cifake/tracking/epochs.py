"""Metrics of epochs: logged once each, and kept on disk while the store is unreachable."""

import json
import time
from collections.abc import Mapping

from mlflow.entities import Metric
from mlflow.utils.time import get_current_time_millis

from cifake.core.cache_directory import cache_directory
from cifake.core.errors import Unavailable
from cifake.core.files import written_aside
from cifake.tracking.retry import client, logger, without_retries

LONGEST_REQUEST = 20  # seconds that an epoch waits for a server that accepts a request and does not answer
SHARE = 0.1  # of a training's time that attempts to reach the store may take
BATCH = 1000  # metrics; the most that one request takes


class EpochLog:
    """Logs the metrics of epochs to a run, each epoch once.

    Epochs that the run holds already, from a process that was killed, are not logged again. Metrics that
    the store does not accept are written to a file, which survives a kill, and sent with a later epoch.
    They keep their timestamps, so a request that is repeated because its answer was lost changes nothing:
    MLflow stores equal points once.

    Args:
        run_id: the run.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.file = cache_directory() / "undelivered" / f"{run_id}.json"
        logged = {point.step for point in client.get_metric_history(run_id, "train/loss")}
        kept = json.loads(self.file.read_text()) if self.file.exists() else []
        self.waiting = [(step, at, metrics) for step, at, metrics in kept if step not in logged]
        self.known = logged | {step for step, *_ in self.waiting}
        self.next_attempt = 0.0

    def __call__(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Log an epoch, counted from 0; returns within a minute, whatever the store does."""
        if epoch in self.known:
            return
        self.known.add(epoch)
        self.waiting.append((epoch, get_current_time_millis(), dict(metrics)))
        start = time.monotonic()
        if start >= self.next_attempt:
            try:
                with without_retries(LONGEST_REQUEST):
                    self.deliver()
                return
            except Unavailable as error:
                if not self.file.exists():
                    logger.warning("%s; metrics wait in %s and training continues", error, self.file)
            end = time.monotonic()
            self.next_attempt = end + (end - start) / SHARE
        self._keep()

    def deliver(self) -> None:
        """Log everything that waits.

        Raises:
            RunError: the store remained unreachable; the file is kept for the same command.
        """
        rows = [Metric(key, value, at, step) for step, at, metrics in self.waiting
                for key, value in metrics.items()]  # fmt: skip
        for start in range(0, len(rows), BATCH):
            client.log_batch(self.run_id, metrics=rows[start : start + BATCH])
        self.waiting.clear()
        self.file.unlink(missing_ok=True)

    def _keep(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with written_aside(self.file) as unfinished:
            unfinished.write_text(json.dumps(self.waiting))
