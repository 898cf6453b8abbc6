"""Which planted near-copies are found, and how many false alarms are there? On the whole of CIFAKE.

Each change makes copies of as many images of its own, so that no image has two copies. Pairs of a photograph
and a generated image are false alarms: neither is a copy of the other.

    python -m benchmarks.reliability.near_copies [copies]
"""

import io
import sys
from collections.abc import Callable

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from cifake.audit.near_copies import LOWEST, find_near_copies
from cifake.data.cache import load_cached
from cifake.data.find import find

COPIES, LIMITS = 1000, (LOWEST, 0.92, 0.94, 0.95, 0.96, 0.98)


def shifted(image: np.ndarray, pixels: int) -> np.ndarray:
    """Down and to the right; the edge is repeated."""
    side = len(image)
    return np.pad(image, ((pixels, 0), (pixels, 0), (0, 0)), mode="edge")[:side, :side]


def encoded(image: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "jpeg", quality=quality)
    return np.asarray(Image.open(buffer))


def scaled(image: np.ndarray, factor: float, middle: float) -> np.ndarray:
    """Values times a factor, around a middle."""
    return np.clip(middle + factor * (image.astype(float) - middle), 0, 255).astype(np.uint8)


def rotated(image: np.ndarray, degrees: float) -> np.ndarray:
    return np.asarray(Image.fromarray(image).rotate(degrees, Image.Resampling.BILINEAR))


def zoomed(image: np.ndarray, factor: float) -> np.ndarray:
    side = len(image)
    edge = (side - side / factor) / 2
    box = (edge, edge, side - edge, side - edge)
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR, box))


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "shifted by 1 pixel down and right": lambda image: shifted(image, 1),
    "shifted by 2 pixels": lambda image: shifted(image, 2),
    "JPEG of quality 90": lambda image: encoded(image, 90),
    "JPEG of quality 75": lambda image: encoded(image, 75),
    "JPEG of quality 50": lambda image: encoded(image, 50),
    "mirrored": lambda image: image[:, ::-1],
    "brightness x 1.3": lambda image: scaled(image, 1.3, 0),
    "contrast x 0.7": lambda image: scaled(image, 0.7, 128),
    "contrast x 1.3": lambda image: scaled(image, 1.3, 128),
    "rotated by 5 degrees": lambda image: rotated(image, 5),
    "zoomed by 1.1": lambda image: zoomed(image, 1.1),
    "shifted by 1, mirrored, brightness x 1.3, quality 75": lambda image: encoded(
        scaled(shifted(image, 1)[:, ::-1], 1.3, 0), 75
    ),
}


def measure(
    images: np.ndarray, labels: np.ndarray, copies: int
) -> tuple[dict[str, list[float]], list[int], list[int]]:
    """By limit: the share of each change's copies that are found, pairs across labels, and other pairs.

    Args:
        images: uint8 [n, 32, 32, 3], at least ``copies`` for each change.
        labels: int [n], 1 is FAKE.
        copies: of each change.
    """
    originals = np.random.default_rng(0).permutation(len(images))[: copies * len(CHANGES)]
    makers = np.repeat(list(CHANGES), copies)
    planted = np.stack([CHANGES[name](images[row]) for name, row in zip(makers, originals, strict=True)])
    near = find_near_copies(np.concatenate([images, planted]), LOWEST)
    old = near.second < len(images)  # pairs without a planted copy: the first place is the lower one
    across = labels[near.first[old]] != labels[near.second[old]]
    copy = near.second[~old] - len(images)
    right = near.first[~old] == originals[copy]
    similarity = np.zeros(len(originals))
    similarity[copy[right]] = near.similarity[~old][right]
    found = {
        name: [float((similarity[makers == name] >= limit).mean()) for limit in LIMITS] for name in CHANGES
    }
    pairs = [
        [int((near.similarity[old][kind] >= limit).sum()) for limit in LIMITS] for kind in (across, ~across)
    ]
    return found, *pairs


def main() -> None:
    copies = int(sys.argv[1]) if len(sys.argv) > 1 else COPIES
    cached = load_cached(find("cifake"))
    labels = cached.index["label"]
    found, across, same = measure(cached.images, labels, copies)
    title = f"{len(labels):,} images and {copies:,} copies of each kind: share found, by the least similarity"
    table = Table("", title=title, title_justify="left")
    for limit in LIMITS:
        table.add_column(f"{limit:.2f}", justify="right")
    for name, shares in found.items():
        table.add_row(name, *(f"{share:.3f}" for share in shares))
    table.add_section()
    table.add_row("pairs across labels: false alarms", *(f"{count:,}" for count in across))
    possible = int(labels.sum()) * int((1 - labels).sum())
    table.add_row("... of a thousand million pairs", *(f"{1e9 * count / possible:.1f}" for count in across))
    table.add_row("pairs of one label", *(f"{count:,}" for count in same))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
