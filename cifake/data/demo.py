"""A small stand-in for CIFAKE, made on the spot from two photographs; for trying things out.

REAL images are crops of photographs, scaled down as CIFAR-10's were. FAKE images are other
crops of the same photographs, passed through what leaves a generator's traces: decoded from
a coarser grid, then sharpened. Test crops come from another part of the photographs than
training crops.
"""

import hashlib
import io
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from cifake.contract import DEMO

SIZES = {"train": 4000, "test": 1000}
JPEG_QUALITY = 75  # that of CIFAKE
# Where crops lie, as shares of a photograph's width: the test band is cut out of the middle.
BANDS = {"train": ((0.0, 0.375), (0.625, 1.0)), "test": ((0.375, 0.625),)}
COARSE_SIDES = (18, 26)
LEAST_DETAIL = 4.0  # mean step between neighbouring pixels: in a clear sky nothing can be told


class Demo:
    """The demo images as a source: the same bytes every time."""

    name = DEMO
    location = "the demo set"

    def fingerprint(self) -> str:
        source = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
        return f"{source}, pillow {version('pillow')}, scikit-learn {version('scikit-learn')}"

    def files(self) -> Iterator[tuple[str, bytes]]:
        from sklearn.datasets import load_sample_images  # slow to import, needed once

        photographs = [Image.fromarray(image) for image in load_sample_images().images]
        random = np.random.default_rng(0)
        for part, size in SIZES.items():
            for number in range(size):
                label = ("REAL", "FAKE")[number % 2]
                which = number // 2 % len(photographs)
                crop = _crop(photographs[which], part, random)
                if label == "FAKE":
                    crop = _generator_traces(crop, random)
                suffix = f" ({which + 1})" if which else ""
                buffer = io.BytesIO()
                crop.save(buffer, "JPEG", quality=JPEG_QUALITY)
                yield f"{part}/{label}/{number:04d}{suffix}.jpg", buffer.getvalue()


def _crop(photograph: Image.Image, part: str, random: np.random.Generator) -> Image.Image:
    while True:
        band = BANDS[part][int(random.integers(len(BANDS[part])))]
        left, right = (int(share * photograph.width) for share in band)
        side = int(random.integers(40, 100))
        x = int(random.integers(left, right - side))
        y = int(random.integers(0, photograph.height - side))
        crop = photograph.crop((x, y, x + side, y + side)).resize((32, 32), Image.Resampling.LANCZOS)
        if np.abs(np.diff(np.asarray(crop, dtype=float), axis=1)).mean() >= LEAST_DETAIL:
            return crop


def _generator_traces(crop: Image.Image, random: np.random.Generator) -> Image.Image:
    side = int(random.integers(*COARSE_SIDES))
    coarse = crop.resize((side, side), Image.Resampling.BICUBIC)
    smooth = coarse.resize((32, 32), Image.Resampling.BILINEAR)
    return smooth.filter(ImageFilter.UnsharpMask(radius=1, percent=60, threshold=0))
