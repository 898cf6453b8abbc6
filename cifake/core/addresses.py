"""Addresses as they may be shown."""

import re


def without_password(address: str) -> str:
    """An address without its user name and password, which may hold an ``@``."""
    return re.sub(r"://[^/]*@", "://", address)
