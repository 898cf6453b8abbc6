"""Models of keras.applications by name: default image size, preprocessing and weights."""

import contextlib
import functools
import socket
import sys
import warnings
from collections.abc import Callable, Iterator

import keras
import numpy as np

from cifake.core.errors import ConfigError
from cifake.core.nearest import nearest

DOWNLOAD_TIMEOUT = 10  # seconds without an answer


def load_backbone(name: str, weights: str, size: int) -> keras.Model:
    """A model of keras.applications without its classifier, for images of ``size`` pixels a side.

    Its weights are ``imagenet``, which Keras downloads once, ``none`` or a file.

    Raises:
        ConfigError: an unknown name, too small a size, or weights that cannot be loaded.
    """
    make = _find(name)
    try:
        with _download_timeout():
            backbone = make(
                include_top=False,
                weights="imagenet" if weights == "imagenet" else None,
                input_shape=(size, size, 3),
            )
    except ValueError as error:
        raise ConfigError(f"model.image_size: {name} refuses {size} ({_first_line(error)})") from None
    except Exception as error:  # Keras raises no narrower class when a download fails
        if "URL fetch failure" not in str(error):
            raise
        raise ConfigError(
            f"model.weights: the ImageNet weights of {name} cannot be downloaded "
            f"({_first_line(error)}); pass -P model.weights=<file>"
        ) from None
    if weights not in ("imagenet", "none"):
        _read_weights(backbone, name, weights)
    return backbone


@functools.cache
def default_size(name: str) -> int:
    """The side of the images that a backbone was designed for, in pixels, according to Keras."""
    # Only the whole model has it; a classifier with one unit is built quickly.
    return int(_find(name)(weights=None, classes=1).input_shape[1])


def preprocessing(name: str) -> keras.layers.Layer:
    """A backbone's own ``preprocess_input`` as a fixed 1x1 convolution, on float32 [n, h, w, 3].

    In all of keras.applications it is an affine map of the three channels (scaling, shifting, reversing
    their order), whose matrix follows from four colours. Unlike the function, a layer can be saved in
    every format.

    Raises:
        ConfigError: a ``preprocess_input`` that is not affine.
    """
    function = sys.modules[_find(name).__module__].preprocess_input

    def colour(values: np.ndarray) -> np.ndarray:
        # Some of these functions modify their argument.
        return np.asarray(function(values.astype("float32").reshape(1, 1, -1, 3).copy())).reshape(-1, 3)

    black = colour(np.zeros(3))[0]
    matrix = (colour(255 * np.eye(3)) - black) / 255
    probe = np.arange(24).reshape(8, 3) * 11.0 % 256
    if not np.allclose(probe @ matrix + black, colour(probe), atol=1e-3):
        raise ConfigError(f"model.backbone: the preprocessing of {name} is not an affine map of its channels")
    layer = keras.layers.Conv2D(3, 1, trainable=False, dtype="float32", name="preprocessing")
    layer.build((None, None, None, 3))
    layer.set_weights([matrix.reshape(1, 1, 3, 3), black])
    return layer


def _find(name: str) -> Callable[..., keras.Model]:
    known = [model for model in dir(keras.applications) if model[0].isupper()]
    if name not in known:
        raise ConfigError(
            f"model.backbone: keras.applications has no '{name}'; did you mean '{nearest(name, known)}'? "
            f"It has {', '.join(known)}"
        )
    function: Callable[..., keras.Model] = getattr(keras.applications, name)
    return function


def _read_weights(backbone: keras.Model, name: str, file: str) -> None:
    try:
        with warnings.catch_warnings():
            # Keras only warns where a file has no weights for a layer, which stays random.
            warnings.simplefilter("error", UserWarning)
            backbone.load_weights(file)
    except (ValueError, OSError, KeyError, UserWarning) as error:
        raise ConfigError(
            f"model.weights: expected weights of {name} without its classifier, "
            f"{file} cannot be loaded ({_first_line(error)})"
        ) from None


@contextlib.contextmanager
def _download_timeout() -> Iterator[None]:
    """Keras downloads without a timeout and would wait without limit for an answer."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
