"""Whether a library is there that a command needs, told before it is imported."""

import importlib.util
import os

from cifake.core.errors import ConfigError


def require_tensorflow(what: str) -> None:
    """Refuse what only TensorFlow does here.

    Raises:
        ConfigError: KERAS_BACKEND names another backend.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise ConfigError(f"KERAS_BACKEND: expected tensorflow for {what}, received '{backend}'")


def require_ray() -> None:
    """Refuse what runs on Ray, where it is not installed.

    Raises:
        ConfigError: it is not.
    """
    if not importlib.util.find_spec("ray"):
        raise ConfigError("engine: ray is not installed here; pip install '.[cluster]' in this folder")
