import io

import keras
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from cifake.config import load as load_settings
from cifake.data.demo import Demo
from cifake.models import build_model, serving_model
from cifake.models.degradation import RandomDegradation, cosine_blocks
from tests.support.project import EXPERIMENTS


@pytest.fixture(scope="module")
def images():
    """uint8 [64, 32, 32, 3]."""
    files = (data for _, data in zip(range(64), (data for _, data in Demo().files()), strict=False))
    return np.stack([np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in files])


def degrade(images, seed=0, white=1.0, **amounts):
    keras.utils.set_random_seed(seed)
    layer = RandomDegradation(white=white, **amounts)
    return np.asarray(layer((images / 255 * white).astype("float32"), training=True)) / white


def strengths(count, value):
    return np.full((count, 1, 1, 1), value, "float32")


def test_only_training_images_are_changed(images):
    floats = images.astype("float32") / 255
    assert np.array_equal(RandomDegradation(noise=0.1, blur=2.0)(floats, training=False), floats)


def untouched(changed, images):
    """Which images are what they were, bool [n]."""
    return np.abs(changed - images / 255).max(axis=(1, 2, 3)) < 1e-6


@pytest.mark.parametrize("amounts", [{"noise": 0.1}, {"blur": 2.0}, {"jpeg": 0.7}])
def test_one_kind_degrades_half_of_the_images(images, amounts):
    changed = degrade(images, **amounts)
    assert 32 <= untouched(changed, images).sum() < 40  # a slight blur changes nothing, either
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert np.allclose(degrade(images, white=255.0, **amounts), changed, atol=1e-4)
    assert not np.array_equal(degrade(images, seed=1, **amounts), changed)


def test_all_kinds_leave_a_quarter_untouched(images):
    changed = degrade(images, noise=0.1, blur=2.0, jpeg=0.7)
    assert 16 <= untouched(changed, images).sum() < 20


@pytest.mark.parametrize("count", [1, 3])
def test_every_place_of_a_small_batch_is_untouched_half_of_the_time(images, count):
    keras.utils.set_random_seed(0)
    layer, batch = RandomDegradation(noise=0.1), images[:count] / 255
    times = [untouched(np.asarray(layer(batch, training=True)), images[:count]) for _ in range(100)]
    assert np.mean(times, axis=0) == pytest.approx(0.5, abs=0.15)  # three standard deviations


def test_bfloat16_images_are_degraded_in_float32(images):
    layer = RandomDegradation(noise=0.1, blur=1.0, jpeg=0.7, dtype="mixed_bfloat16")
    changed = layer(images / 255, training=True)
    assert keras.backend.standardize_dtype(changed.dtype) == "bfloat16"


def test_noise_has_its_sigma():
    grey = np.full((50, 32, 32, 3), 0.5, "float32")
    noisy = np.asarray(RandomDegradation(noise=0.1)._noise(grey, strengths(50, 0.1)))
    assert noisy.std() == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize("sigma", [0.0, 0.5, 2.0])
def test_blur_is_scipys_inside_the_border(images, sigma):
    floats = images.astype("float32") / 255
    ours = np.asarray(RandomDegradation(blur=2.0)._blur(floats, strengths(64, sigma)))
    theirs = gaussian_filter(floats, (0, sigma, sigma, 0)) if sigma else floats
    assert np.abs(ours - theirs)[:, 8:24, 8:24].max() < 1e-4


@pytest.mark.parametrize("quality", [30, 90])
def test_jpeg_like_is_close_to_jpeg(images, quality):
    ours = 255 * np.asarray(
        RandomDegradation(jpeg=0.7)._jpeg(images.astype("float32") / 255, strengths(64, 1 - quality / 100))
    )
    theirs = []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "jpeg", quality=quality, subsampling=0)
        theirs.append(np.asarray(Image.open(buffer), float))
    off, loss = np.abs(ours - theirs).mean(), np.abs(images - np.array(theirs)).mean()
    assert np.abs(ours.clip(0, 255) - images).mean() == pytest.approx(loss, rel=0.1)
    assert off < 0.3 * loss + 1  # Pillow rounds colours twice


@pytest.mark.parametrize("side", [8, 32, 20])
def test_the_cosine_transform_is_orthonormal(side):
    assert np.allclose(cosine_blocks(side) @ cosine_blocks(side).T, np.eye(side), atol=1e-5)


def test_the_serving_model_has_none_of_it(images):
    settings = load_settings(EXPERIMENTS / "augmented.yaml")
    model = build_model(settings)
    assert any(isinstance(layer, RandomDegradation) for layer in model.layers)
    serving = serving_model(model, settings)
    assert not any(isinstance(layer, RandomDegradation) for layer in serving.layers)
    assert np.array_equal(model.predict(images, verbose=0), serving.predict(images, verbose=0))
