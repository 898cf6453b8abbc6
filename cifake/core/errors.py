"""Errors a user can mend: what was expected, what came, what to do."""

import errno
import gc
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType


class CifakeError(Exception):
    """A mistake in what the user gave; ends a command in one line and exit code 2."""


class ConfigError(CifakeError):
    """A setting that is unknown, of the wrong type or out of range."""


class DataError(CifakeError):
    """A data set that is missing, incomplete or holds files that cannot be used."""


class RunError(CifakeError):
    """A tracking store without the runs, metrics or artifacts that were asked for."""


# Libraries wrap the system's error, and often only its text is left; SQLite and NumPy have their own words.
FULL_DISK = re.compile(
    rf"{os.strerror(errno.ENOSPC)}|{os.strerror(errno.EDQUOT)}|database or disk is full"
    r"|\d+ requested and \d+ written"
)


class Terminated(BaseException):
    """SIGTERM, raised as an exception so that a run can still say that it was killed."""


def raise_terminated(_signum: int, _frame: FrameType | None) -> None:
    """A handler of SIGTERM."""
    raise Terminated("stopped by SIGTERM")


def full_disk(error: BaseException) -> str:
    """What says that a full disk is behind an error, whatever it was wrapped in; empty where none is."""
    for seen in _behind(error):
        if found := FULL_DISK.search(str(seen)):
            file = getattr(seen, "filename", None)
            return f"{found[0]}: {file}" if file else found[0]
    return ""


def stop_behind(error: BaseException) -> KeyboardInterrupt | Terminated | None:
    """The Ctrl-C or SIGTERM behind an error: it may come where a library then fails to clean up."""
    for seen in _behind(error):
        if isinstance(seen, KeyboardInterrupt | Terminated):
            return seen
    return None


def _behind(error: BaseException) -> Iterator[BaseException]:
    """An error, what it was raised from or while handling, and so on."""
    seen: BaseException | None = error
    while seen:
        yield seen
        seen = seen.__cause__ or seen.__context__


def as_mistake(error: BaseException) -> CifakeError | None:
    """An error that the user can mend; None for a defect, whose traceback is wanted."""
    if isinstance(error, CifakeError):
        return error
    if reason := full_disk(error):
        return RunError(f"a disk is full ({reason}); make room and give the same command again: it goes on")
    return None


def exit_code(command: Callable[[], int | None]) -> int:
    """Run a command and turn what ended it into a process exit code.

    Returns:
        What it returned, 0 for None; 2 for a user's mistake (one line on stderr), 130 for Ctrl-C
        and 143 for SIGTERM, as shells count them. Other exceptions pass through: they
        are defects, and their traceback is wanted.
    """
    signal.signal(signal.SIGTERM, raise_terminated)
    try:
        code = command()
    except (Exception, KeyboardInterrupt, Terminated) as error:
        if stop := stop_behind(error):
            text, code = ("terminated", 143) if isinstance(stop, Terminated) else ("interrupted", 130)
        elif mistake := as_mistake(error):
            text, code = f"error: {mistake}", 2
        else:
            raise
        print(text, file=sys.stderr)
    finally:
        gc.freeze()  # a process that ends would first look through all objects for garbage, for a second
    return code or 0
