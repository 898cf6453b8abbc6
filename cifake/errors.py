"""Errors a user can mend: what was expected, what came, what to do."""

import signal
import sys
from collections.abc import Callable
from types import FrameType


class CifakeError(Exception):
    """A mistake in what the user gave; ends a command in one line and exit code 2."""


class ConfigError(CifakeError):
    """A setting that is unknown, of the wrong type or out of range."""


class DataError(CifakeError):
    """A data set that is missing, incomplete or holds files that cannot be used."""


class RunError(CifakeError):
    """A tracking store without the runs, metrics or artifacts that were asked for."""


class Terminated(BaseException):
    """SIGTERM, raised as an exception so that a run can still say that it was killed."""


def raise_terminated(_signum: int, _frame: FrameType | None) -> None:
    """A handler of SIGTERM."""
    raise Terminated("stopped by SIGTERM")


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
    except CifakeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Terminated:
        print("terminated", file=sys.stderr)
        return 143
    return code or 0
