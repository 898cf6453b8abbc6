"""Addresses of stores: the file that one names, whether somebody answers there, and how one may be shown."""

import contextlib
import logging
import os
import re
from pathlib import Path
from urllib.parse import unquote

DATABASES = ("postgresql", "mysql", "mssql")
ANSWER_SECONDS = 10
SQLITE = re.compile(r"sqlite(?:\+\w+)?:///([^?]*)")
# A user name and password, which may hold an @, and by mistake a slash: then no port precedes it.
IN_ADDRESS = re.compile(r"://(?:[^/\s]*|[^/\s:]*:(?!\d+/)\S*)@")
AS_OPTION = re.compile(r"((?:password|passwd|pwd|token|secret)=)[^&\s;'\"]+", re.IGNORECASE)
VARIABLES = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
NO_FILE = (":memory:", "file:")  # databases whose file, if any, SQLite itself finds
SHORTEST = 8  # characters of a password that is hidden wherever it stands; a shorter one may be any word

LOCAL_SERVER = "http://127.0.0.1:5000"  # of `make ui`


def is_served(store: str) -> bool:
    """Whether a store is an MLflow server, which has pages of its own."""
    return store.startswith(("http:", "https:"))


def pages_address(store: str) -> str:
    """Where a browser finds a store's pages: on its server, or on the one that ``make ui`` starts."""
    return without_password(store).rstrip("/") if is_served(store) else LOCAL_SERVER


def without_password(text: str) -> str:
    """A text, such as an address, without the user names and passwords of the addresses in it.

    What this process knows to be secret, from MLFLOW_TRACKING_PASSWORD and its like, is hidden as well.
    """
    text = AS_OPTION.sub(r"\1***", IN_ADDRESS.sub("://", text))
    for secret in (os.environ.get(name, "") for name in VARIABLES):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, "***")
    return text


def sqlite_file(address: str) -> Path | None:
    """The file of a SQLite store, whose address may have options; None for others and for no file."""
    name = SQLITE.match(address)
    return Path(unquote(name[1])) if name and not name[1].startswith(NO_FILE) and name[1] else None


def quiet_mlflow() -> None:
    """Keep MLflow from printing the store's address, with its password, after each run, and its own bars."""
    logging.getLogger("mlflow.utils.databricks_utils").setLevel(logging.ERROR)  # the error says the same
    logging.getLogger("mlflow.store.db.utils").addFilter(lambda record: not record.exc_info)  # this one, too
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")


def absolute_address(address: str) -> str:
    """The address of a file store or a SQLite store for processes in other folders."""
    if (name := SQLITE.match(address)) and sqlite_file(address):
        return address[: name.start(1)] + str(Path(name[1]).absolute()) + address[name.end(1) :]
    return address if "://" in address or address.startswith("file:") else str(Path(address).absolute())


def expect_answer(address: str) -> None:
    """Check within seconds that a server or a database answers; MLflow's own retries take minutes.

    Raises:
        Exception: what ``requests`` or SQLAlchemy raise, see ``cifake.core.errors.store_errors``.
    """
    if address.startswith(("http:", "https:")):
        import requests

        with contextlib.suppress(requests.exceptions.SSLError):  # MLflow has settings for certificates
            answer = requests.get(f"{address.rstrip('/')}/health", timeout=ANSWER_SECONDS)
            if answer.status_code >= 500:
                answer.raise_for_status()
    elif address.startswith(DATABASES):
        import sqlalchemy

        try:
            engine = sqlalchemy.create_engine(address)
        except ValueError as error:  # a port that is not a number
            raise sqlalchemy.exc.ArgumentError(str(error)) from None
        engine.connect().close()
        engine.dispose()
