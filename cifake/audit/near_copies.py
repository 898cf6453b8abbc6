"""Images that are nearly the same: shifted, mirrored, re-encoded, brighter, darker.

Two images are as similar as the correlation of their middle 28 x 28 pixels, at its best over shifts of up to
two pixels and mirroring. Brightness and contrast do not count in a correlation. Computing that for every pair
would take days, so it is done for the pairs whose thumbnails are similar: each image with its nearest others.
benchmarks/reliability/near_copies.py measures what that finds, and what it finds wrongly.
"""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import joblib
import numpy as np

from cifake.contract import IMAGE_SIDE
from cifake.core.progress import progress_bar

THUMBNAIL_SIDE = 8  # pixels
NEIGHBOURS = 16  # per image, by their thumbnails
CANDIDATE = 0.85  # the least correlation of thumbnails: pairs above LIMIT have more
LIMIT = 0.95  # the least correlation of a near-copy
LOWEST = 0.9  # the least limit; below it pairs are missed whose thumbnails are less alike than CANDIDATE
SHIFT = 2  # pixels
BLOCK = 200  # images or pairs at a time; larger ones leave the processor's cache
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class NearCopies:
    """Pairs of near-copies, the most similar first.

    Attributes:
        first, second: int [k], places of the images, the lower one first.
        similarity: float32 [k], from the limit to 1.
    """

    first: np.ndarray
    second: np.ndarray
    similarity: np.ndarray


def find_near_copies(images: np.ndarray, limit: float = LIMIT) -> NearCopies:
    """Look for near-copies of each image among all others.

    Args:
        images: uint8 [n, 32, 32, 3].
        limit: the least correlation.
    """
    logger.info("near-copies: comparing the thumbnails of %s images", f"{len(images):,}")
    pairs = np.unique(np.sort(np.concatenate(list(_candidates(images))), axis=1), axis=0)
    logger.info("near-copies: comparing %s pairs with similar thumbnails", f"{len(pairs):,}")
    blocks = [pairs[start : start + BLOCK] for start in range(0, len(pairs), BLOCK)]
    with progress_bar() as progress, ThreadPoolExecutor(joblib.cpu_count()) as pool:
        results = pool.map(lambda block: similarities(images[block[:, 0]], images[block[:, 1]]), blocks)
        tracked = progress.track(results, total=len(blocks), description="comparing pairs")
        similarity = np.concatenate([*tracked, np.empty(0, np.float32)])
    order = np.argsort(-similarity, kind="stable")
    order = order[similarity[order] >= limit]
    return NearCopies(pairs[order, 0], pairs[order, 1], similarity[order])


def similarities(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The similarity of each pair: float32 [n], at most 1.

    Args:
        first: uint8 [n, 32, 32, 3].
        second: the same.
    """
    best = np.full(len(first), -1, np.float32)
    middles = [_standardised(_window(image, 0, 0)) for image in (first, first[:, :, ::-1])]
    for down, right in product(range(-SHIFT, SHIFT + 1), repeat=2):
        shifted = _standardised(_window(second, down, right))
        for middle in middles:
            best = np.maximum(best, np.einsum("ij,ij->i", middle, shifted))
    return best


def _candidates(images: np.ndarray) -> Iterator[np.ndarray]:
    """Pairs of each image and its nearest others by thumbnail: int [k, 2], a block of images at a time."""
    n = len(images)
    blocks = [slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]
    thumbnails = np.concatenate([_thumbnails(images[block]) for block in blocks])
    buffer = np.empty((2, BLOCK, n), np.float32)  # a new one a block would take longer than the product
    with progress_bar() as progress:
        for block in progress.track(blocks, description="comparing thumbnails"):
            both = buffer[:, : block.stop - block.start]
            np.matmul(thumbnails[block], thumbnails.T, out=both[0])
            np.matmul(_thumbnails(images[block, :, ::-1]), thumbnails.T, out=both[1])
            correlation = np.maximum(both[0], both[1], out=both[0])
            np.fill_diagonal(correlation[:, block], -1)  # itself
            row, place = np.nonzero(correlation >= CANDIDATE)
            order = np.lexsort((-correlation[row, place], row))
            row, place = row[order], place[order]
            near = np.arange(len(row)) - np.searchsorted(row, row) < NEIGHBOURS
            yield np.stack([block.start + row[near], place[near]], axis=1)


def _thumbnails(images: np.ndarray) -> np.ndarray:
    """Means of squares of 4 x 4 pixels, standardised: float32 [n, 192]."""
    size = IMAGE_SIDE // THUMBNAIL_SIDE
    squares = images.reshape(-1, THUMBNAIL_SIDE, size, THUMBNAIL_SIDE, size, 3)
    return _standardised(squares.mean((2, 4), dtype=np.float32))


def _window(images: np.ndarray, down: int, right: int) -> np.ndarray:
    rows, columns = (slice(SHIFT + by, IMAGE_SIDE - SHIFT + by) for by in (down, right))
    return images[:, rows, columns]


def _standardised(images: np.ndarray) -> np.ndarray:
    """Flat vectors with mean 0 and length 1, whose products are correlations; zeros for a plain area."""
    vectors = images.reshape(len(images), -1).astype(np.float32)
    vectors -= vectors.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 1e-3))
