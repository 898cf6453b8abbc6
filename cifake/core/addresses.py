"""Addresses as they may be shown, and those of MLflow's pages."""

import re

LOCAL_SERVER = "http://127.0.0.1:5000"  # of `make ui`


def without_password(address: str) -> str:
    """An address without its user name and password, which may hold an ``@``."""
    return re.sub(r"://[^/]*@", "://", address)


def is_served(store: str) -> bool:
    """Whether a store is an MLflow server, which has pages of its own."""
    return store.startswith(("http:", "https:"))


def pages_address(store: str) -> str:
    """Where a browser finds a store's pages: on its server, or on the one that ``make ui`` starts."""
    return without_password(store).rstrip("/") if is_served(store) else LOCAL_SERVER
