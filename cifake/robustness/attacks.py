"""FGSM and PGD within a ball of whole pixel steps, through the model's own preprocessing."""

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any

import keras
import numpy as np
from keras import ops

from cifake.models.input_gradient import ascend, logits_on_float, uphill


class Attacker:
    """Changes images, REAL and FAKE ones, so that a model assigns them the other label.

    Args:
        model: takes uint8 [n, 32, 32, 3], ends in a dense layer with a sigmoid.
        images: uint8 [n, 32, 32, 3].
        labels: int [n], 1 is FAKE.
        batch: images in a step; affects results only by rounding.
        advance: receives, after each batch, its number of images times the gradients taken of each.

    Raises:
        RunError: the model ends in another layer.
    """

    def __init__(
        self,
        model: keras.Model,
        images: np.ndarray,
        labels: np.ndarray,
        batch: int = 256,
        advance: Callable[[int], object] = lambda _: None,
    ) -> None:
        self.images = np.asarray(images)
        self.signs = (2 * labels.astype(np.float32)) - 1
        self.batch = batch
        self.advance = advance
        logits = logits_on_float(model)
        pixels, signs = (batch, *images.shape[1:]), (batch,)
        self._direction = compiled(
            lambda *arguments: ops.cast(uphill(logits, *arguments), "int8"), pixels, signs
        )
        self._climb = compiled(partial(ascend, logits), pixels, pixels, signs, (), (), ())

    def fgsm(self, epsilon: int) -> np.ndarray:
        """One step of epsilon along the gradient's sign (Goodfellow et al. 2015): uint8 [n, 32, 32, 3]."""
        changed = self.images + np.int16(epsilon) * self._uphill
        return np.clip(changed, 0, 255).astype(np.uint8)

    def pgd(self, epsilon: int, steps: int, random: np.random.Generator) -> np.ndarray:
        """The last of ``steps`` steps of epsilon / 4 from a random start in the ball (Madry et al. 2018).

        Args:
            epsilon: largest change of a pixel, in steps of 1/255.
            steps: gradients of an image.
            random: decides the start.

        Returns:
            uint8 [n, 32, 32, 3]; rounding does not leave the ball, since epsilon and pixels are whole.
        """
        parts = []
        for around, signs, count in self._batches():
            start = around.copy()
            start[:count] += epsilon * (2 * random.random((count, *around.shape[1:]), np.float32) - 1)
            attacked = self._climb(start, around, signs, float(epsilon), epsilon / 4, steps)
            parts.append(np.rint(attacked[:count]).astype(np.uint8))
            self.advance(count * steps)
        return np.concatenate(parts)

    @cached_property
    def _uphill(self) -> np.ndarray:
        """The sign of the loss's gradient at the images, int8 [n, 32, 32, 3]; one for every epsilon."""
        parts = []
        for around, signs, count in self._batches():
            parts.append(np.asarray(self._direction(around, signs))[:count])
            self.advance(count)
        return np.concatenate(parts)

    def _batches(self) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
        """Images (float32), signs, and how many of them count: the last batch is padded."""
        for begin in range(0, len(self.images), self.batch):
            around = np.zeros((self.batch, *self.images.shape[1:]), np.float32)
            signs = np.ones(self.batch, np.float32)
            count = min(self.batch, len(self.images) - begin)
            around[:count] = self.images[begin : begin + count]
            signs[:count] = self.signs[begin : begin + count]
            yield around, signs, count


def compiled(function: Callable[..., Any], *shapes: tuple[int, ...]) -> Any:
    """A function of float32 arguments, traced once: they have one shape, and what varies is an argument."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    import tensorflow as tf

    return tf.function(function, input_signature=[tf.TensorSpec(shape, tf.float32) for shape in shapes])
