"""Images of any kind in the form of CIFAKE's."""

import io

import numpy as np
import pytest
from PIL import Image

from cifake.data.prepare import is_cifake_jpeg, prepare, to_pixels


def encode(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))


def test_files_of_cifake_are_of_its_form(demo_files):
    assert all(is_cifake_jpeg(data) for data in list(demo_files.values())[:5])


def test_lossless_images_and_other_jpegs_are_encoded_as_cifakes_are():
    expected = Image.open(io.BytesIO(encode(NOISE, "jpeg", quality=75)))
    image, changes = prepare(encode(NOISE, "png"))
    assert np.array_equal(np.asarray(image), np.asarray(expected))
    assert changes == ["encoded as CIFAKE's JPEG"]
    for options in ({"quality": 90}, {"quality": 75, "subsampling": "4:4:4"}):
        assert not is_cifake_jpeg(encode(NOISE, "jpeg", **options))
        assert to_pixels(encode(NOISE, "jpeg", **options), encode=True)[1] == ["encoded as CIFAKE's JPEG"]


def test_a_jpeg_of_cifakes_form_is_taken_as_it_is():
    data = encode(NOISE, "jpeg", quality=75)
    pixels, changes = to_pixels(data, encode=True)
    assert (pixels, changes) == (Image.open(io.BytesIO(data)).tobytes(), [])
    twice = encode(Image.open(io.BytesIO(data)), "jpeg", quality=75)
    assert pixels != Image.open(io.BytesIO(twice)).tobytes()  # a second encoding would change it


def test_nothing_is_encoded_where_that_is_left_out():
    assert to_pixels(encode(NOISE, "png"), encode=False) == (NOISE.tobytes(), [])


def test_of_16_bits_the_higher_8_count_with_a_transparent_value_too():
    grey = (np.arange(1024).reshape(32, 32) * 64).astype(np.uint16)
    plain, changes = to_pixels(encode(Image.fromarray(grey), "png"), encode=False)
    assert np.frombuffer(plain, np.uint8)[::3].tolist() == (grey >> 8).ravel().tolist()
    assert changes == ["I;16 to RGB"]
    clear, changes = to_pixels(encode(Image.fromarray(grey), "png", transparency=128), encode=False)
    expected = (grey >> 8).ravel()
    expected[2] = 255  # the pixel of value 128, on white
    assert np.frombuffer(clear, np.uint8)[::3].tolist() == expected.tolist()
    assert changes == ["transparency on white"]


def test_a_palette_image_without_a_palette_is_damaged():
    data = encode(NOISE.quantize(16), "png")
    start = data.index(b"PLTE") - 4
    length = int.from_bytes(data[start : start + 4]) + 12
    with pytest.raises(ValueError, match="damaged image"):
        to_pixels(data[:start] + data[start + length :], encode=True)
