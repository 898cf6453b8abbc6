"""Training examples mixed from two: mixup and CutMix, with labels between 0 and 1."""

import numpy as np

from cifake.config import AugmentationSettings

Examples = tuple[np.ndarray, np.ndarray]


def mix(
    random: np.random.Generator, images: np.ndarray, labels: np.ndarray, settings: AugmentationSettings
) -> Examples:
    """Mix a batch with itself in another order by mixup, by CutMix, or not at all.

    Args:
        random: decides which, and how much.
        images: uint8 [n, h, w, 3].
        labels: float32 [n].
        settings: of each, the alpha of its Beta(alpha, alpha) distribution, and its probability.

    Returns:
        New images and labels of the same shapes and types.
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
    """Blend each image and label with its partner's (Zhang et al. 2018).

    Args:
        images: uint8 [n, h, w, 3].
        labels: float32 [n].
        partners: int [n], the position of each image's partner.
        kept: the weight of the image itself, 0 to 1.

    Returns:
        Images rounded to uint8, and labels.
    """
    weight = np.float32(kept)
    blended = weight * images + (1 - weight) * images[partners]
    return np.rint(blended).astype(np.uint8), weight * labels + (1 - weight) * labels[partners]


def cutmix(
    images: np.ndarray, labels: np.ndarray, partners: np.ndarray, kept: float, centre: np.ndarray
) -> Examples:
    """Paste a rectangle of its partner into each image (Yun et al. 2019).

    Args:
        images: uint8 [n, h, w, 3].
        labels: float32 [n].
        partners: int [n], the position of each image's partner.
        kept: the fraction of the area that is kept if the rectangle lies within the image.
        centre: of the rectangle, row and column.

    Returns:
        Images, and labels mixed by the area that is in fact kept.
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
