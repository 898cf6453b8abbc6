"""Training examples mixed from two: mixup and CutMix, with labels between 0 and 1."""

import numpy as np

from cifake.config import AugmentationSettings

Examples = tuple[np.ndarray, np.ndarray]


def mix(
    random: np.random.Generator, images: np.ndarray, labels: np.ndarray, settings: AugmentationSettings
) -> Examples:
    """Mix a batch, uint8 [n, h, w, 3] and float32 [n], with itself in another order, or leave it as it is.

    Mixup and CutMix have each a probability, and the alpha of their Beta(alpha, alpha) distribution.
    """
    mixup_below = settings.mixup_probability if settings.mixup else 0.0
    cutmix_below = mixup_below + (settings.cutmix_probability if settings.cutmix else 0.0)
    draw = random.random()
    if draw >= cutmix_below:
        return images, labels
    partners = random.permutation(len(images))
    if draw < mixup_below:
        return mixup(images, labels, partners, random.beta(settings.mixup, settings.mixup))
    kept = random.beta(settings.cutmix, settings.cutmix)
    return cutmix(images, labels, partners, kept, random.integers(images.shape[1:3]))


def mixup(images: np.ndarray, labels: np.ndarray, partners: np.ndarray, kept: float) -> Examples:
    """Blend each image and label with its partner's, at ``partners``, int [n] (Zhang et al. 2018).

    ``kept`` is the weight of the image itself, 0 to 1; images are rounded to uint8.
    """
    weight = np.float32(kept)
    blended = weight * images + (1 - weight) * images[partners]
    return np.rint(blended).astype(np.uint8), weight * labels + (1 - weight) * labels[partners]


def cutmix(
    images: np.ndarray, labels: np.ndarray, partners: np.ndarray, kept: float, centre: np.ndarray
) -> Examples:
    """Paste a rectangle of its partner into each image (Yun et al. 2019).

    ``kept`` is the fraction of the area that is kept if the rectangle around ``centre``, row and column, lies
    within the image. Labels are mixed by the area that is in fact kept.
    """
    shape = np.array(images.shape[1:3])
    sides = np.rint(shape * np.sqrt(1 - kept)).astype(int)
    top, left = np.maximum(centre - sides // 2, 0)
    bottom, right = np.minimum(centre - sides // 2 + sides, shape)
    mixed = images.copy()
    mixed[:, top:bottom, left:right] = images[partners, top:bottom, left:right]
    weight = np.float32(1 - (bottom - top) * (right - left) / shape.prod())
    return mixed, weight * labels + (1 - weight) * labels[partners]


def smooth(labels: np.ndarray, smoothing: float) -> np.ndarray:
    """Move labels towards 1/2 (Szegedy et al. 2016): 0.1 makes 0.05 of 0 and 0.95 of 1."""
    return labels * np.float32(1 - smoothing) + np.float32(smoothing / 2)
