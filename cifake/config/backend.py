"""Which library computes for Keras, without importing either."""

import os

from cifake.errors import ConfigError


def require_tensorflow(what: str) -> None:
    """Refuse what only TensorFlow does here.

    Raises:
        ConfigError: KERAS_BACKEND names another backend.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise ConfigError(f"KERAS_BACKEND: expected tensorflow for {what}, received '{backend}'")
