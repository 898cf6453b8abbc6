"""Random noise, blur and JPEG-like compression of training images."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

BLOCK = 8  # pixels; JPEG transforms blocks of 8x8
# Quantisation steps at quality 50, of brightness and of colour: ITU-T T.81 (1992), tables K.1 and K.2.
LUMINANCE = np.array([
    [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55], [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62], [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
])  # fmt: skip
CHROMINANCE = np.full((BLOCK, BLOCK), 99)
CHROMINANCE[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
TO_YCBCR = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], "float32"
).T


@keras.saving.register_keras_serializable(package="cifake")
class RandomDegradation(keras.layers.Layer):
    """Degrade images at random during training.

    Each image gets one of the kinds that are on, or none, each of these for an equal share of a batch, with a
    random strength up to the largest, which is that of ``AugmentationSettings``. ``white`` is the largest
    value of a pixel.
    """

    def __init__(
        self, noise: float = 0.0, blur: float = 0.0, jpeg: float = 0.0, white: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.amounts = {"noise": noise, "blur": blur, "jpeg": jpeg}
        self.white = white
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, images: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        if not training:
            return images
        dtype, images = images.dtype, ops.cast(images, "float32")  # quality has more steps than bfloat16
        kinds = [kind for kind, largest in self.amounts.items() if largest]
        groups, count = len(kinds) + 1, ops.shape(images)[0]
        # Neighbours in a batch, from a random place on, form a group: a kind is computed for its own alone.
        length = ops.cast(count, "float32")
        start = length * keras.random.uniform((), seed=self.seed_generator)
        group = ops.floor((ops.arange(count, dtype="float32") + start) % length * groups / length)
        offsets = ops.arange(-(-count // groups))  # as long as the longest group: XLA needs fixed sizes
        for number, kind in enumerate(kinds):
            first = ops.cast(ops.ceil(number * length / groups - start), "int32")
            places = (first + offsets) % count
            before = ops.take(images, places, axis=0)
            shape = (ops.shape(before)[0], 1, 1, 1)
            strength = self.amounts[kind] * keras.random.uniform(shape, seed=self.seed_generator)
            after = self.white * ops.clip(getattr(self, f"_{kind}")(before / self.white, strength), 0, 1)
            chosen = ops.reshape(ops.take(group, places) == number, shape)
            images = ops.scatter_update(images, places[:, None], ops.where(chosen, after, before))
        return ops.cast(images, dtype)

    def _noise(self, images: keras.KerasTensor, sigma: keras.KerasTensor) -> keras.KerasTensor:
        return images + sigma * keras.random.normal(ops.shape(images), seed=self.seed_generator)

    def _blur(self, images: keras.KerasTensor, sigma: keras.KerasTensor) -> keras.KerasTensor:
        """Multiply by one matrix per image, with normalised Gaussians as rows, along both axes."""
        place = np.arange(images.shape[1], dtype="float32")
        distance = (place[:, None] - place[None]) ** 2
        weights = ops.exp(-distance / (2 * ops.square(sigma[:, :, :, 0]) + 1e-6))
        weights = weights / ops.sum(weights, axis=2, keepdims=True)
        return ops.einsum("nij,nhjc->nhic", weights, ops.einsum("nij,njwc->niwc", weights, images))

    def _jpeg(self, images: keras.KerasTensor, loss: keras.KerasTensor) -> keras.KerasTensor:
        """Round the cosine coefficients of blocks to multiples of their quantisation steps.

        The quality is 100 (1 - loss); colour is not subsampled.
        """
        side = images.shape[1]
        cosines = cosine_blocks(side)
        across = np.kron(cosines.T, TO_YCBCR)  # of all three colours of a row; also turns RGB into YCbCr
        place = np.arange(side) % BLOCK
        steps = np.stack([table[np.ix_(place, place)] for table in (LUMINANCE, CHROMINANCE, CHROMINANCE)], -1)
        # The scale of libjpeg: 50 / quality below 50, 2 - quality / 50 above.
        quality = ops.maximum(100 * (1 - loss[..., 0]), 1)
        scale = ops.where(quality < 50, 50 / quality, 2 - quality / 50)
        steps = ops.maximum(steps.astype("float32").reshape(side, -1) * scale, 1)
        rows = ops.reshape(255 * images - 128, (-1, side, 3 * side))
        coefficients = ops.round(ops.matmul(cosines, ops.matmul(rows, across)) / steps) * steps
        rows = ops.matmul(cosines.T, ops.matmul(coefficients, np.linalg.inv(across)))
        return (ops.reshape(rows, (-1, side, side, 3)) + 128) / 255


def cosine_blocks(side: int) -> np.ndarray:
    """The orthonormal cosine transform of each block of a row, as one matrix: float32 [side, side]."""
    matrix = np.zeros((side, side), "float32")
    for start in range(0, side, BLOCK):
        size = min(BLOCK, side - start)
        place, frequency = np.meshgrid(np.arange(size), np.arange(size))
        block = math.sqrt(2 / size) * np.cos(np.pi * (2 * place + 1) * frequency / (2 * size))
        block[0] /= math.sqrt(2)
        matrix[start : start + size, start : start + size] = block
    return matrix
