"""Perturbations that need no model; their names and those of attacks are ``<kind>_<strength>``.

A change takes images, uint8 [n, 32, 32, 3], a strength and a random generator. It returns whole pixels,
uint8 [n, 32, 32, 3]: every image that is scored could have been saved.
"""

import zlib
from collections.abc import Callable, Sequence

import numpy as np

from cifake.contract import CLEAN, KINDS, PERTURBATIONS, parse_perturbation
from cifake.core.errors import ConfigError

Change = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
CHUNK = 1000  # images that one thread changes at a time


def jpeg(images: np.ndarray, quality: float, _random: np.random.Generator) -> np.ndarray:
    """Compressed as JPEG of a quality of 1 to 100, with Pillow's defaults (4:2:0), and read again."""
    import io

    from PIL import Image

    def compressed(image: np.ndarray) -> np.ndarray:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "jpeg", quality=int(quality))
        return np.asarray(Image.open(buffer))

    return _in_threads(images, lambda chunk: np.stack([compressed(image) for image in chunk]))


def blur(images: np.ndarray, sigma: float, _random: np.random.Generator) -> np.ndarray:
    """A Gaussian blur with a standard deviation in pixels; the border repeats the outermost pixels."""
    from scipy.ndimage import gaussian_filter

    def blurred(chunk: np.ndarray) -> np.ndarray:
        return _integers(gaussian_filter(chunk.astype(np.float32), (0, sigma, sigma, 0), mode="nearest"))

    return _in_threads(images, blurred)


def noise(images: np.ndarray, sigma: float, random: np.random.Generator) -> np.ndarray:
    """Gaussian noise with a standard deviation as a share of the range of pixels."""
    return _integers(images + 255 * sigma * random.standard_normal(images.shape, dtype=np.float32))


def resize(images: np.ndarray, share: float, _random: np.random.Generator) -> np.ndarray:
    """Scaled down to a share of the side and up again, both with Pillow's antialiased bilinear filter."""
    from PIL import Image

    height, width = images.shape[1:3]
    size = round(width * share), round(height * share)

    def resized(image: np.ndarray) -> np.ndarray:
        small = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR)
        return np.asarray(small.resize((width, height), Image.Resampling.BILINEAR))

    return _in_threads(images, lambda chunk: np.stack([resized(image) for image in chunk]))


def brightness(images: np.ndarray, factor: float, _random: np.random.Generator) -> np.ndarray:
    """Pixels times a factor."""
    return _integers(images * np.float32(factor))


def contrast(images: np.ndarray, factor: float, _random: np.random.Generator) -> np.ndarray:
    """Distances from the image's mean grey times a factor."""
    grey = (images @ np.array([0.299, 0.587, 0.114], np.float32)).mean(axis=(1, 2))[:, None, None, None]
    return _integers(grey + (images - grey) * np.float32(factor))


def flip(images: np.ndarray, _strength: float, _random: np.random.Generator) -> np.ndarray:
    """Mirrored left to right."""
    return np.ascontiguousarray(images[:, :, ::-1])


def random(images: np.ndarray, epsilon: float, generator: np.random.Generator) -> np.ndarray:
    """Every pixel and channel changed by epsilon, up or down at random: the size of an attack, no aim."""
    step = np.int16(epsilon) * (2 * generator.integers(0, 2, images.shape, dtype=np.int8) - 1)
    return _integers(images + step.astype(np.int16))


CHANGES: dict[str, Change] = {
    change.__name__: change for change in (jpeg, blur, noise, resize, brightness, contrast, flip, random)
}


def perturb(images: np.ndarray, name: str, seed: int) -> np.ndarray:
    """Images under a perturbation other than an attack.

    Args:
        images: uint8 [n, 32, 32, 3].
        name: one of PERTURBATIONS.
        seed: of random changes; those of the first images do not depend on how many follow.
    """
    kind, strength = parse_perturbation(name)
    if kind == CLEAN:
        return images
    return CHANGES[kind](np.asarray(images), strength, generator(name, seed))


def generator(name: str, seed: int, *more: int) -> np.random.Generator:
    """The random numbers of a perturbation, which do not depend on other perturbations."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), *more])


def select(words: Sequence[str]) -> list[str]:
    """The perturbations that names and kinds such as ``["jpeg", "pgd_8"]`` select, in their usual order.

    ``clean`` is always among them: what a perturbation costs is seen beside it.

    Raises:
        ConfigError: a word that is neither a name nor a kind.
    """
    for word in words:
        if word not in PERTURBATIONS and word not in KINDS:
            raise ConfigError(
                f"perturbations: expected {', '.join((CLEAN, *KINDS))}, or with a strength such as "
                f"{PERTURBATIONS[1]}, received '{word}'"
            )
    return [name for name in PERTURBATIONS if {name, parse_perturbation(name)[0]} & {CLEAN, *words}]


def _integers(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(np.rint(pixels), 0, 255), np.uint8)


def _in_threads(images: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Pillow and SciPy release the interpreter's lock while they compute."""
    import joblib

    chunks = [images[start : start + CHUNK] for start in range(0, len(images), CHUNK)]
    changed = joblib.Parallel(n_jobs=-1, prefer="threads")(joblib.delayed(change)(chunk) for chunk in chunks)
    return np.concatenate(changed)
