"""Random rotation, shift, shear, zoom and flip with a single resampling of the image."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

# Maps images and the largest value of a pixel to images.
Augment = Callable[[keras.KerasTensor, float], keras.KerasTensor]


@keras.saving.register_keras_serializable(package="cifake")
class RandomAffine(keras.layers.Layer):
    """Transform images at random during training.

    The changes are combined into one matrix per image, as in Keras 2's ImageDataGenerator, so that
    pixels are interpolated once. A chain of Keras' layers would blur them at every step. Pixels outside
    the image repeat its border. The amounts are those of ``AugmentationSettings``; each axis is shifted for
    itself, and scaled by 1 - zoom to 1 + zoom.
    """

    def __init__(
        self,
        rotation: float = 0.0,
        shift: float = 0.0,
        shear: float = 0.0,
        zoom: float = 0.0,
        horizontal_flip: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rotation, self.shear = math.radians(rotation), math.radians(shear)
        self.shift, self.zoom, self.horizontal_flip = shift, zoom, horizontal_flip
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, images: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        if not training:
            return images
        transforms = self._transforms(ops.shape(images)[0], images.shape[1])
        return ops.image.affine_transform(images, transforms, interpolation="bilinear", fill_mode="nearest")

    def _transforms(self, count: Any, side: int) -> keras.KerasTensor:
        """One matrix an image, from output to input positions: float [count, 8]."""

        def draw(largest: float, around: float = 0.0) -> keras.KerasTensor:
            return keras.random.uniform(
                (count,), around - largest, around + largest, seed=self.seed_generator
            )

        angle, shear = draw(self.rotation), draw(self.shear)
        across, down = draw(self.zoom, 1.0), draw(self.zoom, 1.0)
        if self.horizontal_flip:
            across = across * ops.sign(draw(1.0))
        # Rotation times shear times zoom, about the centre of the pixel grid.
        xx, xy = ops.cos(angle) * across, -ops.sin(angle + shear) * down
        yx, yy = ops.sin(angle) * across, ops.cos(angle + shear) * down
        centre = (side - 1) / 2
        x0 = centre - (xx + xy) * centre + draw(self.shift * side)
        y0 = centre - (yx + yy) * centre + draw(self.shift * side)
        zero = ops.zeros_like(xx)
        return ops.stack([xx, xy, x0, yx, yy, y0, zero, zero], axis=1)
