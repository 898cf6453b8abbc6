"""Near-copies are found where they were planted, and nowhere else."""

import io

import numpy as np
import pytest
from PIL import Image

from cifake.audit.near_copies import find_near_copies, similarities


@pytest.fixture(scope="module")
def images():
    """Sixty images of smooth random shapes, no two of them alike."""
    small = np.random.default_rng(0).integers(0, 256, (60, 6, 6, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(image).resize((32, 32), Image.BICUBIC)) for image in small])


def encoded(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "jpeg", quality=50)
    return np.asarray(Image.open(buffer))


PLANTED = {
    "shifted": lambda image: np.roll(image, 1, axis=1),
    "re-encoded": encoded,
    "mirrored": lambda image: image[:, ::-1],
    "brighter": lambda image: np.clip(image * 1.2, 0, 255).astype(np.uint8),
    "less contrast": lambda image: (128 + 0.6 * (image - 128.0)).astype(np.uint8),
}


def test_planted_copies_are_found_and_no_others(images):
    planted = np.stack([change(images[place]) for place, change in enumerate(PLANTED.values())])
    found = find_near_copies(np.concatenate([images, planted]))
    pairs = sorted(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert pairs == [(place, len(images) + place) for place in range(len(PLANTED))]
    assert found.similarity.min() >= 0.95
    assert np.all(np.diff(found.similarity) <= 0)


def test_the_similarity_is_the_correlation_at_the_best_shift(images):
    first, second = images[:1], np.roll(images[:1], (2, -1), axis=(1, 2))
    assert similarities(first, second)[0] == pytest.approx(1)
    a, b = images[0][2:30, 2:30].ravel(), images[1][2:30, 2:30].ravel()
    assert similarities(images[:1], images[1:2])[0] >= np.corrcoef(a, b)[0, 1] - 1e-6
    assert similarities(images[:1], np.zeros_like(images[:1]))[0] == 0


def test_one_image_has_no_copies(images):
    assert len(find_near_copies(images[:1]).first) == 0
