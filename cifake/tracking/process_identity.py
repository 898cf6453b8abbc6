"""Which process a run belongs to, and whether that process still runs."""

import os
import socket
from collections.abc import Mapping

import psutil

HOST, PROCESS, STARTED = "owner_host", "owner_pid", "owner_started"  # tags of a run
SAME_START = 2.0  # seconds; the system counts from its own start, whose time is corrected now and then


def process_identity() -> dict[str, str]:
    """Tags that name this process; its start time, in seconds since 1970, tells it from later ones."""
    started = psutil.Process().create_time()
    return {HOST: socket.gethostname(), PROCESS: str(os.getpid()), STARTED: f"{started:.2f}"}


def is_dead(tags: Mapping[str, str]) -> bool:
    """Whether the process that a run's tags name has ended.

    False where that cannot be known: processes of other machines cannot be looked up.
    """
    if tags.get(HOST) != socket.gethostname() or PROCESS not in tags or STARTED not in tags:
        return False
    try:
        process = psutil.Process(int(tags[PROCESS]))
        same = abs(process.create_time() - float(tags[STARTED])) < SAME_START
        return not same or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
