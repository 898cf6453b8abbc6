"""Where files that can be made again are kept."""

import os
from pathlib import Path

import platformdirs


def cache_directory() -> Path:
    """CIFAKE_CACHE, or the user's cache directory as the system has it."""
    given = os.environ.get("CIFAKE_CACHE")
    return Path(given).expanduser() if given else Path(platformdirs.user_cache_dir("cifake"))
