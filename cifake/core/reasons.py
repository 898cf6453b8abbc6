"""What an exception of MLflow, SQLAlchemy, requests, Pillow or the operating system means to a user.

The one place that knows. Libraries are told by the modules of their classes: none is imported here.
"""

import errno
import os
import re
from collections.abc import Iterator

from cifake.core.addresses import without_password

# Libraries wrap the system's error, often keeping only its text; SQLite and NumPy have messages of their own.
FULL_DISK = re.compile(
    rf"{os.strerror(errno.ENOSPC)}|{os.strerror(errno.EDQUOT)}|database or disk is full"
    r"|\d+ requested and \d+ written"
)
# The operating system's refusals, with the path that a user gave or chose; others are defects.
OF_PATHS = (
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG,
    errno.ELOOP, errno.EIO, errno.EMFILE, errno.ENFILE,
)  # fmt: skip
OF_STORES = {"mlflow", "sqlalchemy", "requests", "urllib3", "botocore", "boto3", "databricks"}
# MLflow's texts: no answer, or a 5xx that its own retries have met to the end; an answer that is not JSON.
NO_ANSWER = re.compile(r"API request to \S+ failed with (?:timeout )?exception")
STATUS = re.compile(r"failed with error code (\d+) != \d+. Response body: '(.*)")
BELOW = re.compile(r"Caused by \w+\([\"'](.*)[\"']\)")
OF_URL = re.compile(r" for url: \S+?(?=\. Response text|$)")
DATABASE = re.compile(r"\((\w+)[\w.]*\.(?:Operational|Interface)Error\)")
READ_ONLY = "attempt to write a readonly database"  # of SQLite
AUTOFLUSH = re.compile(
    r"\(raised as a result of Query-invoked autoflush.*\n"
)  # SQLAlchemy's line above the error
MISSING = re.compile(r"not found|must be in (?:the )?'?active'? (?:state|lifecycle_stage)|No such run")
LASTING = re.compile(  # what stands in the texts of connections that no time will make
    "certificate|WRONG_VERSION|No connection adapters|Invalid URL|Failed to parse|407 |authentication failed"
    "|Access denied|does not exist|Unknown database|no password supplied",
    re.IGNORECASE,
)
MAY_PASS = ("TEMPORARILY_UNAVAILABLE", "DEADLINE_EXCEEDED", "REQUEST_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED")
CODES = {
    "UNAUTHENTICATED": 401, "CUSTOMER_UNAUTHORIZED": 401, "PERMISSION_DENIED": 403, "NOT_FOUND": 404,
    "RESOURCE_DOES_NOT_EXIST": 404,
}  # fmt: skip


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error, the one that it was raised from or during, and so on."""
    cause: BaseException | None = error
    while cause:
        yield cause
        cause = cause.__cause__ or cause.__context__


def full_disk(error: BaseException) -> str:
    """The message of a full disk that caused an error, however it is wrapped; empty if none did."""
    for cause in causes(error):
        if match := FULL_DISK.search(str(cause)):
            file = getattr(cause, "filename", None)
            return f"{match[0]}: {file}" if file else match[0]
    return ""


def is_of_store(error: BaseException) -> bool:
    """Whether a library that reaches stores has raised an error."""
    return any(cls.__module__.partition(".")[0] in OF_STORES for cls in type(error).__mro__)


def may_pass(error: BaseException) -> bool:
    """Whether a store may answer later: no connection, HTTP 408, 429 or 5xx, a locked or absent database.

    A full disk, a refused password and a missing run need more than time.
    """
    text = str(error)
    if full_disk(error) or LASTING.search(text):
        return False
    if database := DATABASE.search(text):
        return database[1] != "sqlite3" or " is locked" in text
    names = {cls.__name__ for cls in type(error).__mro__ if cls.__module__.startswith("requests")}
    if NO_ANSWER.search(text) or names & {"ConnectionError", "Timeout"}:
        return True
    status = _http_status(error)
    return status in (408, 429) or status >= 500 or getattr(error, "error_code", "") in MAY_PASS


def of_store(error: BaseException) -> str:
    """What a store's error means, as the rest of a sentence about the store; empty for none that is known."""
    if isinstance(error, ModuleNotFoundError) and error.name and "." not in error.name:
        return f"cannot be used: the package {error.name} is not installed here"
    if not is_of_store(error):
        return ""
    if may_pass(error):
        return f"does not answer ({reason(error)})"
    text, status = str(error), _http_status(error)
    if READ_ONLY in text:
        return "is read-only for this user; ask for the permission to write, or name another store"
    if status == 401:
        return (
            f"accepts no such user and password ({reason(error)}); set MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD"
        )
    if status == 403:
        return f"does not let this user do that ({reason(error)}); ask for the permission to write"
    if status == 404 and STATUS.search(text):
        return f"is not an MLflow server ({reason(error)})"
    if status == 404 or MISSING.search(text):
        return f"does not have what was asked for ({reason(error)})"
    is_defect = type(error).__module__.startswith("mlflow") and not (
        NO_ANSWER.search(text) or DATABASE.search(text)
    )
    return "" if is_defect else f"cannot be used ({reason(error)})"


def of_system(error: BaseException) -> str:
    """What an error of the operating system means, in a sentence; empty for a defect."""
    if isinstance(error, OSError) and error.errno in OF_PATHS and error.filename is not None:
        return f"{os.fsdecode(error.filename)} cannot be used ({error.strerror})"
    return ""


def reason(error: BaseException) -> str:
    """An error in one line: the cause below the wrapping of MLflow and urllib3, without passwords."""
    text = next(iter(AUTOFLUSH.sub("", str(error)).strip().splitlines()), "") or type(error).__name__
    if below := BELOW.search(text):
        text = below[1].rpartition("): ")[2]
    elif status := STATUS.search(text):
        text = f"HTTP status {status[1]}: {status[2].rstrip(chr(39))}"
    return without_password(OF_URL.sub("", text))


def _http_status(error: BaseException) -> int:
    """The status of the answer that an error stands for; 0 without one."""
    if status := STATUS.search(str(error)):
        return int(status[1])
    response = getattr(error, "response", None)
    return int(getattr(response, "status_code", 0)) or CODES.get(getattr(error, "error_code", ""), 0)
