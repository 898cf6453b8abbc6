"""Augmentation that moves or covers whole pixels, on batches of uint8 images before they reach the model.

Unlike the layers of ``cifake.models.augmentation``, it interpolates nothing and needs no state: a generator
for each batch decides, so that an epoch can be repeated. It runs beside the training step.
"""

from collections.abc import Callable

import numpy as np

from cifake.config import AugmentationSettings, Settings
from cifake.training.mixing import Examples, mix, smooth

GREY = 128
# Maps a generator, images uint8 [n, h, w, 3], labels float32 [n] and visits int [n] to images and labels.
Transform = Callable[[np.random.Generator, np.ndarray, np.ndarray, np.ndarray], Examples]


def transform_of(settings: Settings) -> Transform | None:
    """The transform of training batches that settings ask for; None where they ask for none."""
    augmentation, smoothing = settings.augmentation, settings.label_smoothing
    flips = augmentation.horizontal_flip and not augmentation.affine
    if not (flips or augmentation.crop or augmentation.cutout or augmentation.mixes or smoothing):
        return None

    def transform(
        random: np.random.Generator, images: np.ndarray, labels: np.ndarray, visits: np.ndarray
    ) -> Examples:
        if flips:
            alternating = augmentation.horizontal_flip == "alternating"
            images = flip(images, visits % 2 == 1 if alternating else random.random(len(images)) < 0.5)
        if augmentation.crop:
            images = random_crop(random, images, augmentation)
        if augmentation.cutout:
            images = random_cutout(random, images, augmentation)
        if augmentation.mixes:
            images, labels = mix(random, images, labels, augmentation)
        return images, smooth(labels, smoothing) if smoothing else labels

    return transform


def flip(images: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Mirror the chosen images, bool [n], left to right."""
    return np.where(chosen[:, None, None, None], images[:, :, ::-1], images)


def random_crop(
    random: np.random.Generator, images: np.ndarray, settings: AugmentationSettings
) -> np.ndarray:
    """Shift some images by whole steps along both axes."""
    steps = settings.crop // settings.crop_step
    shifts = random.integers(-steps, steps, (len(images), 2), endpoint=True) * settings.crop_step
    chosen = random.random(len(images)) < settings.crop_probability
    return shift(images, shifts * chosen[:, None])


def shift(images: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Move each image down and right by its shifts, int [n, 2]; what comes in is reflected at the border."""
    most = int(np.abs(shifts).max(initial=0))
    padded = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), "reflect")
    height, width = images.shape[1:3]
    shifted = np.empty_like(images)
    for number, (top, left) in enumerate(most - shifts):
        shifted[number] = padded[number, top : top + height, left : left + width]
    return shifted


def random_cutout(
    random: np.random.Generator, images: np.ndarray, settings: AugmentationSettings
) -> np.ndarray:
    """Paint a grey square with a random centre into some images."""
    centres = random.integers(images.shape[1:3], size=(len(images), 2))
    chosen = random.random(len(images)) < settings.cutout_probability
    return cutout(images, centres, settings.cutout * chosen)


def cutout(images: np.ndarray, centres: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Paint a grey square into each image (DeVries & Taylor 2017), clipped at the border.

    ``centres`` are row and column, int [n, 2]; ``sides`` are in pixels, int [n], and 0 paints nothing.
    """
    painted = images.copy()
    for image, start, side in zip(painted, centres - sides[:, None] // 2, sides, strict=True):
        (top, left), (bottom, right) = np.maximum(start, 0), start + side
        image[top:bottom, left:right] = GREY
    return painted
