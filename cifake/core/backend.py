"""Check that a command's libraries are available, before they are imported."""

import importlib.util
import os

from cifake.core.errors import ConfigError


def require_tensorflow(what: str) -> None:
    """Check that Keras runs on TensorFlow, which ``what`` needs.

    Raises:
        ConfigError: KERAS_BACKEND names another backend.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise ConfigError(f"KERAS_BACKEND: expected tensorflow for {what}, received '{backend}'")


def require_ray() -> None:
    """Check that Ray is installed.

    Raises:
        ConfigError: it is not.
    """
    if not importlib.util.find_spec("ray"):
        raise ConfigError("engine: ray is not installed here; pip install '.[cluster]' in this folder")
