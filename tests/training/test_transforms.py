"""Augmentation of batches: flips, crops, cutout, mixing and label smoothing, computed by hand."""

import numpy as np
import pytest

from cifake.config import load as load_settings
from cifake.training.batches import Batches
from cifake.training.mixing import cutmix, mix, mixup, smooth
from cifake.training.transforms import cutout, flip, shift, transform_of
from tests.support.made_parts import numbered
from tests.support.project import EXPERIMENTS

ROW = np.arange(6, dtype=np.uint8)


def image_of(rows):
    """One image of one channel."""
    return np.array(rows, np.uint8)[None, :, :, None]


def transform(**overrides):
    return transform_of(load_settings(EXPERIMENTS / "base.yaml", overrides))


def test_nothing_is_transformed_unless_asked_for():
    assert transform() is None
    assert transform(**{"augmentation.rotation": 20.0, "augmentation.noise": 0.1}) is None
    # resampling flips as well
    assert transform(**{"augmentation.rotation": 20.0, "augmentation.horizontal_flip": True}) is None
    assert transform(**{"augmentation.horizontal_flip": True})
    assert transform(label_smoothing=0.1)


def test_a_flip_mirrors_the_chosen_images():
    images = np.stack([image_of([ROW])[0]] * 2)
    assert flip(images, np.array([True, False]))[:, 0, :, 0].tolist() == [[5, 4, 3, 2, 1, 0], ROW.tolist()]


def test_a_shift_moves_right_and_reflects_the_border():
    images = np.repeat(image_of([ROW] * 6), 3, axis=0)
    shifted = shift(images, np.array([[0, 2], [0, -1], [0, 0]]))
    assert shifted[:, 0, :, 0].tolist() == [[2, 1, 0, 1, 2, 3], [1, 2, 3, 4, 5, 4], ROW.tolist()]
    downwards = shift(images.transpose(0, 2, 1, 3), np.array([[2, 0], [-1, 0], [0, 0]]))
    assert downwards[:, :, 0, 0].tolist() == shifted[:, 0, :, 0].tolist()


def test_crops_shift_by_multiples_of_their_step_with_their_probability():
    """The pixel at 16, 16 has been where the shift says: its value is its place before."""
    place = np.broadcast_to(np.arange(32, dtype=np.uint8), (1000, 32, 32))
    images = np.stack([place, place.transpose(0, 2, 1), place], axis=-1)
    change = transform(
        **{"augmentation.crop": 16, "augmentation.crop_step": 8, "augmentation.crop_probability": 0.5}
    )
    changed, _ = change(np.random.default_rng(0), images, np.zeros(1000, "float32"), np.zeros(1000, int))
    across, down = changed[:, 16, 16, 0].astype(int), changed[:, 16, 16, 1].astype(int)
    # 16 - 16, 16 - 8, 16, 16 + 8, and 32, which is reflected to 30
    assert set(across) == set(down) == {0, 8, 16, 24, 30}
    moved = (across != 16) | (down != 16)
    assert pytest.approx(moved.mean(), abs=0.05) == 0.5 * 24 / 25


def test_alternating_flips_show_each_image_from_both_sides_in_turn():
    part = numbered(40)  # an image's number stands in its first pixel
    change = transform(**{"augmentation.horizontal_flip": "alternating"})
    batches = Batches(part, batch_size=10, steps=None, seed=0, transform=change)
    mirrored = []
    for epoch in range(4):
        batches.start_epoch(epoch)
        images = np.concatenate([batches[step][0] for step in range(4)])
        left, right = images[:, 0, 0, 0], images[:, 0, 31, 0]
        mirrored.append(dict(zip((left + right).tolist(), (right > 0).tolist(), strict=True)))
    for number in range(1, 40):  # image 0 looks alike from both sides
        first = mirrored[0][number]
        assert [of_epoch[number] for of_epoch in mirrored] == [first, not first, first, not first]
    assert 10 < sum(mirrored[0].values()) < 30


def test_a_cutout_is_a_grey_square_clipped_at_the_border():
    images = np.zeros((3, 6, 6, 1), np.uint8)
    painted = cutout(images, np.array([[2, 3], [0, 5], [3, 3]]), np.array([2, 4, 0]))
    expected = np.zeros((3, 6, 6), np.uint8)
    expected[0, 1:3, 2:4] = 128
    expected[1, 0:2, 3:6] = 128
    assert np.array_equal(painted[..., 0], expected)
    assert not images.any()


LABELS = np.array([1, 0], "float32")
PARTNERS = np.array([1, 0])


def test_mixup_blends_images_and_labels():
    images = np.array([200, 100], np.uint8).reshape(2, 1, 1, 1)
    blended, labels = mixup(images, LABELS, PARTNERS, 0.75)
    assert blended.ravel().tolist() == [175, 125]
    assert labels.tolist() == [0.75, 0.25]
    assert (blended.dtype, labels.dtype) == (np.uint8, np.float32)


def test_cutmix_pastes_a_rectangle_and_mixes_labels_by_its_area():
    images = np.stack([np.full((4, 4, 1), 9, np.uint8), np.zeros((4, 4, 1), np.uint8)])
    mixed, labels = cutmix(images, LABELS, PARTNERS, 0.75, np.array([2, 2]))  # a side of 4 * sqrt(1/4)
    expected = np.full((4, 4), 9)
    expected[1:3, 1:3] = 0
    assert np.array_equal(mixed[0, :, :, 0], expected)
    assert np.array_equal(mixed[1, :, :, 0], 9 - expected)
    assert labels.tolist() == [0.75, 0.25]
    clipped, labels = cutmix(images, LABELS, PARTNERS, 0.75, np.array([0, 0]))  # one pixel of four is inside
    assert (clipped[0] == 0).sum() == 1
    assert labels.tolist() == [15 / 16, 1 / 16]
    assert labels.dtype == np.float32


def test_a_batch_is_mixed_as_often_as_the_probabilities_say():
    settings = load_settings(
        EXPERIMENTS / "base.yaml",
        {"augmentation.mixup": 1.0, "augmentation.mixup_probability": 0.2,
         "augmentation.cutmix": 1.0, "augmentation.cutmix_probability": 0.5},
    ).augmentation  # fmt: skip
    images = np.stack([np.full((8, 8, 1), value, np.uint8) for value in range(0, 200, 10)])
    labels = np.arange(20, dtype="float32") % 2
    kinds = []
    for seed in range(1000):
        mixed, _ = mix(np.random.default_rng(seed), images, labels, settings)
        blended = any(len(np.unique(image)) == 1 and image[0, 0, 0] % 10 for image in mixed)
        kinds.append("mixup" if blended else "none" if np.array_equal(mixed, images) else "cutmix")
    # A rectangle may be empty, and a blend may round to what it was: a few count as none.
    assert kinds.count("mixup") / 1000 == pytest.approx(0.2, abs=0.04)
    assert kinds.count("cutmix") / 1000 == pytest.approx(0.5, abs=0.06)


def test_smoothing_moves_labels_towards_the_middle():
    assert smooth(LABELS, 0.1) == pytest.approx([0.95, 0.05])
    assert smooth(np.array([0.75], "float32"), 0.2) == pytest.approx([0.7])


def test_a_batch_depends_on_seed_epoch_and_step_alone():
    change = transform(
        **{"augmentation.horizontal_flip": True, "augmentation.crop": 4, "augmentation.cutout": 8,
           "augmentation.cutmix": 1.0}
    )  # fmt: skip

    def batch(seed, epoch, step):
        batches = Batches(numbered(64), batch_size=16, steps=None, seed=seed, transform=change)
        batches.start_epoch(epoch)
        return batches[step]

    for one, two in zip(batch(3, 5, 2), batch(3, 5, 2), strict=True):
        assert np.array_equal(one, two)
    assert not any(
        np.array_equal(batch(3, 5, 2)[0], batch(*other)[0]) for other in ((4, 5, 2), (3, 6, 2), (3, 5, 1))
    )
