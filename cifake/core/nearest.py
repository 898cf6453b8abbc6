"""The known name that a mistyped one is closest to."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """The name in ``known``, which must not be empty, that is most similar to ``name``."""
    return difflib.get_close_matches(name, list(known), n=1, cutoff=0.0)[0]
