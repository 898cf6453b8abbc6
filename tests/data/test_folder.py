"""Folders of images without labels."""

import os

import numpy as np
import pytest
from PIL import Image

from cifake.core.errors import DataError
from cifake.data.folder import read_folder


def write(path, size=(32, 32), mode="RGB", colour=7):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour if mode == "L" else (colour,) * 3).save(path)


def test_images_below_a_folder_in_the_order_of_their_paths(tmp_path):
    write(tmp_path / "b" / "1.png", colour=1)
    write(tmp_path / "a.jpg", colour=2)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".DS_Store").write_bytes(b"x")
    pixels, paths = read_folder(tmp_path)
    assert paths.tolist() == ["a.jpg", "b/1.png"]
    assert (pixels.shape, pixels.dtype) == ((2, 32, 32, 3), np.uint8)
    assert pixels[:, 0, 0, 0].tolist() == [2, 1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: root.rmdir(), "expected a folder of images, there is no folder"),
        (lambda root: (root / "a.txt").write_text("x"), "there is no image in"),
        (lambda root: (root / "a.png").write_bytes(b"x"), "a.png: not an image"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, make, message):
    root = tmp_path / "images"
    root.mkdir()
    make(root)
    with pytest.raises(DataError) as raised:
        read_folder(root)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_names_that_are_not_utf_8_and_files_that_are_left_out(tmp_path, caplog):
    write(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / os.fsdecode(b"\xff.png"))
    (tmp_path / "b.heic").touch()
    _, paths = read_folder(tmp_path)
    assert paths.tolist() == [r"\xff.png"]
    assert caplog.messages == [
        f"{tmp_path}: 1 file(s) left out: b.heic", f"{tmp_path}: 1 encoded as CIFAKE's JPEG",
    ]  # fmt: skip


def test_images_of_other_kinds_are_prepared_as_for_predictions(tmp_path, caplog):
    write(tmp_path / "a.png", (64, 32), mode="L", colour=40)
    pixels, _ = read_folder(tmp_path)
    assert pixels[0, 9, 9].tolist() == [40, 40, 40]
    (message,) = caplog.messages
    changes = "1 L to RGB, 1 cropped to a square, 1 resized, 1 encoded as CIFAKE's JPEG"
    assert message == f"{tmp_path}: {changes}"
