"""Errors that a user can mend, and the exit codes of commands."""

import errno
import gc
import io
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType


class CifakeError(Exception):
    """A user's mistake, told in one line that ends the command with exit code 2."""


class ConfigError(CifakeError):
    """A setting that is unknown, of the wrong type or out of range."""


class DataError(CifakeError):
    """A data set that is missing, incomplete or holds files that cannot be used."""


class RunError(CifakeError):
    """A tracking store that lacks what was asked for, or another resource that cannot be used."""


# Libraries wrap the system's error, often keeping only its text; SQLite and NumPy have messages of their own.
FULL_DISK = re.compile(
    rf"{os.strerror(errno.ENOSPC)}|{os.strerror(errno.EDQUOT)}|database or disk is full"
    r"|\d+ requested and \d+ written"
)


class Terminated(BaseException):
    """SIGTERM as an exception, so that a run can still record that it was killed."""


def raise_terminated(_signum: int, _frame: FrameType | None) -> None:
    """Handle SIGTERM: raise ``Terminated``."""
    raise Terminated("stopped by SIGTERM")


def full_disk(error: BaseException) -> str:
    """The message of a full disk that caused an error, however it is wrapped; empty if none did."""
    for cause in _causes(error):
        if match := FULL_DISK.search(str(cause)):
            file = getattr(cause, "filename", None)
            return f"{match[0]}: {file}" if file else match[0]
    return ""


def stop_behind(error: BaseException) -> KeyboardInterrupt | Terminated | None:
    """The Ctrl-C or SIGTERM that caused an error: a library may fail to clean up after it."""
    for cause in _causes(error):
        if isinstance(cause, KeyboardInterrupt | Terminated):
            return cause
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error, the one that it was raised from or during, and so on."""
    cause: BaseException | None = error
    while cause:
        yield cause
        cause = cause.__cause__ or cause.__context__


def as_mistake(error: BaseException) -> CifakeError | None:
    """An error as a mistake that the user can mend; None for a defect, which keeps its traceback."""
    if isinstance(error, CifakeError):
        return error
    if reason := full_disk(error):
        return RunError(f"a disk is full ({reason}); make room and give the same command again: it resumes")
    return None


def exit_code(command: Callable[[], int | None]) -> int:
    """Run a command and turn its end into an exit code of the process.

    Returns:
        The command's own code, 0 for None; 2 for a user's mistake (one line on stderr); 130 for Ctrl-C,
        143 for SIGTERM and 141 when the reader of the output has gone, as shells do. Other exceptions are
        defects and pass through with their traceback.
    """
    signal.signal(signal.SIGTERM, raise_terminated)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be UTF-8, nor terminals
    try:
        code = command()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or else Python complains when it flushes at exit
        code = 141
    except (Exception, KeyboardInterrupt, Terminated) as error:
        if stop := stop_behind(error):
            text, code = ("terminated", 143) if isinstance(stop, Terminated) else ("interrupted", 130)
        elif mistake := as_mistake(error):
            text, code = f"error: {mistake}", 2
        else:
            raise
        print(text, file=sys.stderr)
    finally:
        gc.freeze()  # spares the collection at exit, which takes a second
    return code or 0
