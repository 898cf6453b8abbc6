"""Keras' backend: which it is, what it computes on, and whether a command has what it needs."""

import contextlib
import importlib.util
import json
import os
import sys
from pathlib import Path

from cifake.core.errors import ConfigError


def keras_backend() -> str:
    """The backend that Keras runs on or, before the seconds that its import takes, will run on.

    Keras reads KERAS_BACKEND, then ``keras.json`` in KERAS_HOME or ``~/.keras``, else TensorFlow.
    """
    if "keras" in sys.modules:
        return str(sys.modules["keras"].backend.backend())
    if given := os.environ.get("KERAS_BACKEND"):
        return given
    home = os.path.expanduser("~")
    folder = f"{home if os.access(home, os.W_OK) else '/tmp'}/.keras"  # noqa: S108, as Keras does
    file = Path(os.environ.get("KERAS_HOME", folder)) / "keras.json"
    with contextlib.suppress(OSError, ValueError):
        return str(json.loads(file.read_text(encoding="utf-8")).get("backend", "tensorflow"))
    return "tensorflow"


def device() -> str:
    """What Keras computes on: ``CPU``, or the name of the first GPU, such as ``NVIDIA H100 80GB HBM3``."""
    if (backend := keras_backend()) == "jax":
        import jax

        first = jax.devices()[0]
        return "CPU" if first.platform == "cpu" else str(first.device_kind)
    if backend == "torch":
        import torch

        if torch.cuda.is_available():
            return str(torch.cuda.get_device_name())
        return "Apple GPU" if torch.backends.mps.is_available() else "CPU"
    import tensorflow as tf

    if not (gpus := tf.config.list_physical_devices("GPU")):
        return "CPU"
    return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU"))


def require_backend(what: str, *backends: str) -> None:
    """Check that Keras runs on one of these backends, which ``what`` needs.

    Raises:
        ConfigError: another backend is configured.
    """
    if (backend := keras_backend()) not in backends:
        raise ConfigError(f"KERAS_BACKEND: expected {' or '.join(backends)} for {what}, received '{backend}'")


def require_ray() -> None:
    """Check that Ray is installed.

    Raises:
        ConfigError: it is not.
    """
    if not importlib.util.find_spec("ray"):
        raise ConfigError("engine: ray is not installed here; pip install '.[cluster]' in this folder")
