"""Worker processes that end with their parent, and their results in order."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from itertools import islice
from multiprocessing import connection, parent_process
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def begin_worker() -> None:
    """Initialise a worker process of a pool."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent decides
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """Wait for the parent to end, then exit: a killed parent leaves no workers behind."""
    parent = parent_process()
    if parent:
        connection.wait([parent.sentinel])
        os._exit(1)


def in_order(
    pool: Executor, function: Callable[[Task], Result], tasks: Iterable[Task], ahead: int
) -> Iterator[Result]:
    """Results in the order of their tasks; at most ``ahead`` tasks are running or unread.

    ``Executor.map`` would take all tasks at once, and hold all results that are not read yet.
    """
    remaining = iter(tasks)
    waiting: deque[Future[Result]] = deque()
    for task in islice(remaining, ahead):
        waiting.append(pool.submit(function, task))
    while waiting:
        result = waiting.popleft().result()
        for task in islice(remaining, 1):
            waiting.append(pool.submit(function, task))
        yield result
