import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from cifake.contract import ATTACKS, PERTURBATIONS, parse_perturbation
from cifake.core.errors import ConfigError
from cifake.data.demo import Demo
from cifake.robustness.perturbations import CHANGES, perturb, select

NO_ATTACKS = [name for name in PERTURBATIONS if parse_perturbation(name)[0] not in ATTACKS]


@pytest.fixture(scope="module")
def images():
    files = (data for _, data in zip(range(8), (data for _, data in Demo().files()), strict=False))
    return np.stack([np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in files])


def test_the_names_are_those_that_were_asked_for():
    assert PERTURBATIONS == (
        "clean", "jpeg_90", "jpeg_75", "jpeg_50", "jpeg_30", "blur_0.5", "blur_1", "blur_2", "noise_0.02",
        "noise_0.05", "noise_0.1", "resize_0.75", "resize_0.5", "brightness_0.7", "brightness_1.3",
        "contrast_0.7", "contrast_1.3", "flip_1", "random_1", "random_2", "random_4", "random_8", "fgsm_1",
        "fgsm_2", "fgsm_4", "fgsm_8", "pgd_1", "pgd_2", "pgd_4", "pgd_8",
    )  # fmt: skip


@pytest.mark.parametrize("name", NO_ATTACKS)
def test_pixels_stay_pixels_and_repeat_with_the_seed(images, name):
    before = images.copy()
    changed = perturb(images, name, 3)
    assert (changed.dtype, changed.shape) == (np.uint8, images.shape)
    assert np.array_equal(images, before)
    assert np.array_equal(changed, perturb(images, name, 3))
    assert np.array_equal(changed[:5], perturb(images[:5], name, 3))
    assert np.array_equal(changed, images) == (name == "clean")
    is_random = name.startswith(("noise", "random"))
    assert np.array_equal(changed, perturb(images, name, 4)) != is_random


def test_jpeg_is_pillows(images):
    buffer = io.BytesIO()
    Image.fromarray(images[2]).save(buffer, "jpeg", quality=30)
    assert np.array_equal(perturb(images, "jpeg_30", 0)[2], np.asarray(Image.open(buffer)))


def test_blur_is_of_one_channel_at_a_time(images):
    alone = gaussian_filter(images[1, :, :, 2].astype(float), 2, mode="nearest")
    assert np.abs(perturb(images, "blur_2", 0)[1, :, :, 2] - alone).max() <= 0.51


def test_strengths_are_what_they_say():
    grey = np.full((50, 32, 32, 3), 128, np.uint8)
    assert perturb(grey, "noise_0.1", 0).std() == pytest.approx(25.5, rel=0.01)
    assert set(np.unique(perturb(grey, "random_4", 0))) == {124, 132}
    assert set(np.unique(perturb(np.full_like(grey, 254), "random_4", 0))) == {250, 255}
    assert (perturb(grey, "brightness_0.7", 0) == 90).all()  # 89.6
    assert (perturb(np.full_like(grey, 250), "brightness_1.3", 0) == 255).all()
    halves = grey.copy()
    halves[:, :16], halves[:, 16:] = 100, 200
    assert set(np.unique(perturb(halves, "contrast_0.7", 0))) == {115, 185}
    assert set(np.unique(perturb(halves, "contrast_1.3", 0))) == {85, 215}
    dark_left = grey.copy()
    dark_left[:, :, :16] = 0
    assert (perturb(dark_left, "flip_1", 0)[:, :, 16:] == 0).all()
    assert (perturb(dark_left, "flip_1", 0)[:, :, :16] == 128).all()


def test_resizing_loses_what_is_finer():
    checked = np.zeros((1, 32, 32, 3), np.uint8)
    checked[:, ::2, ::2] = checked[:, 1::2, 1::2] = 255
    assert np.abs(perturb(checked, "resize_0.5", 0)[:, 4:-4, 4:-4].astype(int) - 128).max() <= 2
    assert perturb(checked, "resize_0.75", 0).std() > 3


def test_selection():
    assert select(["pgd_8", "blur", "clean"]) == ["clean", "blur_0.5", "blur_1", "blur_2", "pgd_8"]
    assert select(list(CHANGES)) == NO_ATTACKS  # undisturbed images are always tested
    with pytest.raises(
        ConfigError, match=r"^perturbations: expected clean, jpeg, .* pgd, .* received 'blurr'"
    ):
        select(["blurr"])
