"""What native libraries write to file descriptor 2 goes to a log file; Python's messages stay on stderr."""

import contextlib
import faulthandler
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from cifake.core.cache_directory import cache_directory
from cifake.core.errors import RunError, as_mistake


def native_log() -> Path:
    """The file that takes the messages of TensorFlow, absl and CUDA."""
    return cache_directory() / "tensorflow.log"


def redirect_to_native_log(*descriptors: int) -> None:
    """Send these file descriptors of this process, and of its children, to the log file."""
    with native_log().open("a") as log:
        for descriptor in descriptors:
            os.dup2(log.fileno(), descriptor)


@contextlib.contextmanager
def native_output_logged() -> Iterator[None]:
    """Keep what native libraries write off the terminal: C++ code knows only file descriptor 2.

    ``sys.stderr`` continues on a duplicate of the descriptor. A traceback names the log file. Without a
    cache that can be written, everything stays as it is. Use it as a context or as a decorator.
    """
    with contextlib.ExitStack() as stack:
        terminal = os.dup(2)  # never closed: libraries keep the stream on it
        try:
            redirect_to_native_log(2)
        except (OSError, RunError):  # the commands that need the cache say so
            yield
            return
        stack.callback(os.dup2, terminal, 2)
        if sys.stderr is sys.__stderr__:  # otherwise somebody captures it
            messages = open(terminal, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
            stack.enter_context(contextlib.redirect_stderr(messages))
            faulthandler.enable(messages)  # where C++ code ends the process, this is all that is seen
            stack.callback(faulthandler.disable)
        try:
            yield
        except Exception as error:
            if not as_mistake(error):
                error.add_note(f"The messages of TensorFlow are in {native_log()}")
            raise
