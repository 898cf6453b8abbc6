"""Errors that a user can mend, and the exit codes of commands."""

import codecs
import contextlib
import gc
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from types import FrameType

from cifake.core.addresses import quiet_mlflow, without_password
from cifake.core.reasons import causes, full_disk, is_of_store, may_pass, of_store, of_system, reason


class CifakeError(Exception):
    """A user's mistake, told in one line that ends the command with exit code 2."""


class ConfigError(CifakeError):
    """A setting that is unknown, of the wrong type or out of range."""


class DataError(CifakeError):
    """A data set that is missing, incomplete or holds files that cannot be used."""


class RunError(CifakeError):
    """A tracking store that lacks what was asked for, or another resource that cannot be used."""


class Unavailable(RunError):  # noqa: N818, a state that may pass
    """A store that does not answer at this moment."""


DEFECT = 70  # EX_SOFTWARE of sysexits.h
# For terminals whose encoding lacks them.
ASCII = str.maketrans({
    "─": "-", "━": "-", "│": "|", "┃": "|", "╸": "-", "±": "+-", "×": "x", "→": ">", "–": "-", "…": "...",  # noqa: RUF001
    "·": "-", "−": "-",  # noqa: RUF001
})  # fmt: skip


class Terminated(BaseException):
    """SIGTERM as an exception, so that a run can still record that it was killed."""


def raise_terminated(_signum: int, _frame: FrameType | None) -> None:
    """Handle SIGTERM: raise ``Terminated``."""
    raise Terminated("stopped by SIGTERM")


def stop_behind(error: BaseException) -> KeyboardInterrupt | Terminated | None:
    """The Ctrl-C or SIGTERM that caused an error: a library may fail to clean up after it."""
    for cause in causes(error):
        if isinstance(cause, KeyboardInterrupt | Terminated):
            return cause
    return None


def as_mistake(error: BaseException, store: str = "the store") -> CifakeError | None:
    """An error as a mistake that the user can mend; None for a defect, which keeps its traceback.

    Args:
        error: of this project or of a library.
        store: what a message calls the store that may have caused it.
    """
    if isinstance(error, CifakeError):
        return error
    if full := full_disk(error):
        return RunError(f"a disk is full ({full}); make room and give the same command again: it resumes")
    if text := of_store(error):
        return (Unavailable if may_pass(error) else RunError)(f"{store} {text}")
    return RunError(text) if (text := of_system(error)) else None


@contextlib.contextmanager
def store_errors(store: str, any_error: bool = False) -> Iterator[None]:
    """Raise errors of a store as mistakes that name it.

    Args:
        store: what messages call it.
        any_error: also those that would be defects of a store that has answered before: its address may be
            of no known form.

    Raises:
        RunError: in place of what MLflow and the libraries below it raise.
    """
    try:
        yield
    except Exception as error:
        if mistake := as_mistake(error, store):
            raise mistake from None
        if any_error and is_of_store(error):
            raise RunError(f"{store} cannot be used ({reason(error)})") from None
        raise


def replace_unencodable(error: UnicodeError) -> tuple[str, int]:
    """Write what an encoding lacks in ASCII; file names need not be UTF-8, nor terminals."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(ASCII)
    return text.encode("ascii", "backslashreplace").decode(), error.end


codecs.register_error("cifake", replace_unencodable)


def exit_code(command: Callable[[], int | None]) -> int:
    """Run a command and turn its end into an exit code of the process.

    Returns:
        The command's own code, 0 for None; 2 for a user's mistake (one line on stderr); 70 for a defect,
        with its traceback; 130 for Ctrl-C, 143 for SIGTERM and 141 when the reader of the output has gone,
        as shells do.
    """
    signal.signal(signal.SIGTERM, raise_terminated)
    quiet_mlflow()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="cifake")
    try:
        code = command()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or else Python complains when it flushes at exit
        code = 141
    except (Exception, KeyboardInterrupt, Terminated) as error:  # noqa: BLE001, its traceback is printed
        if stop := stop_behind(error):
            text, code = ("terminated", 143) if isinstance(stop, Terminated) else ("interrupted", 130)
        elif mistake := as_mistake(error):
            text, code = f"error: {mistake}", 2
        else:
            text, code = "".join(traceback.format_exception(error)).rstrip(), DEFECT
        print(without_password(text), file=sys.stderr)
    finally:
        gc.freeze()  # spares the collection at exit, which takes a second
    return code or 0
