import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from cifake.core.cache_directory import cache_directory
from cifake.core.errors import DataError
from cifake.data import load
from cifake.data.decode import open_image, plain_jpeg


def encode(image, form="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def colours(mode, size=(32, 32)):
    return encode(Image.new(mode, size, 77), "PNG" if mode in ("RGBA", "P", "LA") else "JPEG")


def claiming(width, height):
    """A PNG file of 32 x 32 pixels whose header claims another size."""
    data = encode(Image.new("RGB", (32, 32)), "PNG")
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


WHOLE = encode(Image.effect_noise((32, 32), 80).convert("RGB"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"hello", "not an image"),
        (WHOLE[: len(WHOLE) // 2], "damaged image"),
        (WHOLE[:100], "damaged image"),
        (colours("RGB", (33, 32)), "expected 32x32 pixels, received 33x32"),
        (colours("L"), "expected an RGB image, received mode L"),
        (colours("RGBA"), "expected an RGB image, received mode RGBA"),
        (encode(Image.new("RGB", (32, 32)), "PNG", transparency=(0, 0, 0)), "one with a transparent colour"),
        (colours("CMYK"), "expected an RGB image, received mode CMYK"),
        (encode(Image.new("RGB", (32, 32)), "EPS"), "not an image"),  # Pillow would run a program on it
        (claiming(30_000, 30_000), "Image size .900000000 pixels. exceeds limit"),
        (claiming(10_000, 10_000), "expected 32x32 pixels, received 10000x10000"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(data, reason):
    with pytest.raises(ValueError, match=reason):
        open_image(data)


def test_pixels_are_those_of_the_file():
    pixels = np.arange(32 * 32 * 3, dtype=np.uint32).astype(np.uint8).reshape(32, 32, 3)
    decoded = open_image(encode(Image.fromarray(pixels), "PNG"))
    assert np.array_equal(np.asarray(decoded), pixels)


def test_plain_jpegs_have_the_pixels_that_pillow_gives(demo_files):
    for data in demo_files.values():
        assert plain_jpeg(data) == open_image(data).tobytes()


def test_damaged_jpegs_are_never_read_otherwise_than_by_pillow(demo_files):
    random = np.random.default_rng(0)
    read = 0
    for data in demo_files.values():
        changed = bytearray(data)
        changed[random.integers(len(data))] ^= random.integers(1, 256)
        assert plain_jpeg(data[: random.integers(len(data) - 1)]) is None
        pixels = plain_jpeg(bytes(changed))
        if pixels is not None:
            assert pixels == open_image(bytes(changed)).tobytes()
            read += 1
    assert 0 < read < len(demo_files)


@pytest.mark.parametrize("size", [(32, 33), (64, 64)])
def test_jpegs_of_another_size_are_left_to_pillow(size):
    assert plain_jpeg(colours("RGB", size)) is None


def test_jpegs_that_may_be_turned_are_left_to_pillow():
    exif = Image.Exif()
    exif[0x0112] = 3  # by 180 degrees
    assert plain_jpeg(WHOLE) is not None
    assert plain_jpeg(encode(Image.new("RGB", (32, 32)), exif=exif)) is None


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGBA"])  # the last is a PNG
def test_other_colours_and_formats_are_left_to_pillow(mode):
    assert plain_jpeg(colours(mode)) is None


CORNER = np.zeros((32, 32, 3), np.uint8)
CORNER[:16, :16] = 200
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r tiff:Orientation="3"/></x:xmpmeta>'


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_obeyed(form):
    exif = Image.Exif()
    exif[0x0112] = 3  # by 180 degrees
    options = {"lossless": True} if form == "WEBP" else {}
    turned = np.asarray(open_image(encode(Image.fromarray(CORNER), form, exif=exif, **options)))
    assert abs(turned.astype(int) - CORNER[::-1, ::-1]).max() <= 2  # JPEG's losses


def test_orientation_in_xmp_is_obeyed():
    data = encode(Image.fromarray(CORNER), xmp=XMP)
    assert plain_jpeg(data) is None
    assert np.asarray(open_image(data))[[4, 28], [4, 28], 0].tolist() == [0, 200]


def test_bad_files_are_named_and_nothing_is_cached(tree, monkeypatch, tmp_path):
    monkeypatch.setenv("CIFAKE_DATA", str(tree))
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / "cache"))
    for number in range(12):
        (tree / f"train/REAL/bad{number:02d}.jpg").write_bytes(b"")
    (tree / "test/FAKE/grey.jpg").write_bytes(colours("L"))
    with pytest.raises(DataError) as caught:
        load(resize="refuse")
    lines = str(caught.value).splitlines()
    assert "13 problem(s) in 133 image files" in lines[0]
    assert lines[1] == "  test/FAKE/grey.jpg: expected an RGB image, received mode L"
    assert lines[2:12][0] == "  train/REAL/bad00.jpg: empty file"
    assert lines[-1] == "  and 3 more"
    assert [path for path in cache_directory().iterdir() if path.suffix != ".lock"] == []


def test_a_folder_without_the_data_set_names_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAKE_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"4 problem\(s\) in 0 image files") as caught:
        load()
    assert "  train/REAL: a missing or empty class folder" in str(caught.value).splitlines()


def test_an_empty_class_folder_is_named(tree, monkeypatch):
    monkeypatch.setenv("CIFAKE_DATA", str(tree))
    for path in (tree / "test/FAKE").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="test/FAKE: a missing or empty class folder"):
        load()
