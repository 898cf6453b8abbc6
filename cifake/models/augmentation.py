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
    the image repeat its border.

    Args:
        rotation: largest angle, in degrees.
        shift: largest shift along each axis, as a fraction of the side.
        shear: largest angle, in degrees.
        zoom: each axis is scaled by 1 - zoom to 1 + zoom.
        horizontal_flip: mirror half of the images.
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
        self.amounts = {
            "rotation": rotation, "shift": shift, "shear": shear, "zoom": zoom,
            "horizontal_flip": horizontal_flip,
        }  # fmt: skip
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

        angle = draw(math.radians(self.amounts["rotation"]))
        shear = draw(math.radians(self.amounts["shear"]))
        across, down = draw(self.amounts["zoom"], 1.0), draw(self.amounts["zoom"], 1.0)
        if self.amounts["horizontal_flip"]:
            across = across * ops.sign(draw(1.0))
        # Rotation times shear times zoom, about the centre of the pixel grid.
        xx, xy = ops.cos(angle) * across, -ops.sin(angle + shear) * down
        yx, yy = ops.sin(angle) * across, ops.cos(angle + shear) * down
        centre = (side - 1) / 2
        x0 = centre - (xx + xy) * centre + draw(self.amounts["shift"] * side)
        y0 = centre - (yx + yy) * centre + draw(self.amounts["shift"] * side)
        zero = ops.zeros_like(xx)
        return ops.stack([xx, xy, x0, yx, yy, y0, zero, zero], axis=1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.amounts}
