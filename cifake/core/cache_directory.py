"""The folder of files that can be computed again."""

import os
from pathlib import Path

import platformdirs

from cifake.core.errors import RunError


def cache_directory() -> Path:
    """CIFAKE_CACHE, or by default a folder in the user's cache directory; created if missing.

    Raises:
        RunError: it cannot be created or written.
    """
    given = os.environ.get("CIFAKE_CACHE")
    path = Path(os.path.expanduser(given) if given else platformdirs.user_cache_dir("cifake"))
    try:
        path.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(path, os.W_OK) else "it cannot be written"
    except OSError as error:
        reason = str(error.strerror)
    if reason:
        raise RunError(f"the cache {path}: {reason}; set CIFAKE_CACHE to a folder that can be written")
    return path
