"""Where files that can be made again are kept."""

import os
from pathlib import Path

import platformdirs

from cifake.core.errors import RunError


def cache_directory() -> Path:
    """CIFAKE_CACHE, or the user's cache directory as the system has it; made if it is not there.

    Raises:
        RunError: it cannot be made or written.
    """
    given = os.environ.get("CIFAKE_CACHE")
    path = Path(given).expanduser() if given else Path(platformdirs.user_cache_dir("cifake"))
    try:
        path.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(path, os.W_OK) else "it cannot be written"
    except OSError as error:
        reason = str(error.strerror)
    if reason:
        raise RunError(f"the cache {path}: {reason}; set CIFAKE_CACHE to a folder that can be written")
    return path
