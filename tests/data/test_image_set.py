"""Labelled images from elsewhere: where labels come from, in which order, as which pixels."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cifake.core.errors import DataError
from cifake.data.image_set import load_image_set, open_image_set
from tests.support.data_sets import pack

RED, BLUE = (200, 0, 0), (0, 0, 200)


def load(location, encode):
    return load_image_set(*open_image_set(location), encode)


@pytest.fixture
def images(tmp_path):
    """Two photographs and a fake, one of them larger, and a file that is not an image."""
    root = tmp_path / "others"
    for name, side, colour in (
        ("x/real/b.png", 32, RED), ("x/real/a.png", 64, RED), ("y/Fake/REAL/../c.png", 32, BLUE),
    ):  # fmt: skip
        file = root / name.replace("REAL/../", "")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (side, side), colour).save(file)
    (root / "notes.txt").write_text("no image")
    return root


def test_labels_are_those_of_the_folders_and_paths_give_the_order(images):
    loaded = load(str(images), encode=False)
    assert loaded.name == "others"
    assert loaded.part.paths.tolist() == ["x/real/a.png", "x/real/b.png", "y/Fake/c.png"]
    assert loaded.part.labels.tolist() == [0, 0, 1]
    assert loaded.part.images[:, 9, 9].tolist() == [list(RED), list(RED), list(BLUE)]
    assert loaded.changes == {"resized": 1}


def test_an_archive_and_a_list_are_the_same_set_as_their_folder(images, tmp_path):
    files = {f"others/{file.relative_to(images)}": file.read_bytes() for file in images.rglob("*.*")}
    names = ["x/real/a.png", "x/real/b.png", "y/Fake/c.png"]
    table = pd.DataFrame({"path": names, "label": ["real", "0", "FAKE"]})
    table.to_csv(images / "list.csv", index=False)
    table.to_parquet(images / "list.parquet")
    expected = load(str(images), encode=True)
    for location in (images / "list.csv", images / "list.parquet"):
        assert load(str(location), encode=True).digest == expected.digest
    for name in ("others.zip", "others.tar"):
        archive = load(str(pack(tmp_path / name, files)), encode=True)
        assert np.array_equal(archive.part.images, expected.part.images)
        assert archive.part.labels.tolist() == [0, 0, 1]


def test_the_innermost_folder_names_the_label(tmp_path):
    for folder in ("REAL/FAKE", "fakes/real"):
        (tmp_path / folder).mkdir(parents=True)
        Image.new("RGB", (32, 32)).save(tmp_path / folder / "a.png")
    assert load(str(tmp_path), encode=False).part.labels.tolist() == [1, 0]


def test_a_changed_file_and_another_preparation_are_another_set(images):
    first = load(str(images), encode=False)
    assert load(str(images), encode=False).digest == first.digest
    assert load(str(images), encode=True).digest != first.digest
    Image.new("RGB", (32, 32), BLUE).save(images / "x/real/b.png")
    assert load(str(images), encode=False).digest != first.digest


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a.png", "photo")], "with a label REAL or FAKE, received 'a.png' with 'photo'"),
        ([("a.png", "REAL"), ("a.png", "FAKE")], "received a.png twice"),
        ([("", "FAKE")], "received '' with 'FAKE'"),
        ([("NA", "REAL")], "NA cannot be read (No such file or directory)"),
        ([("0001", "REAL")], "0001 cannot be read (No such file or directory)"),
        ([("lost.png", "REAL")], "lost.png cannot be read (No such file or directory)"),
    ],
)
def test_a_list_that_cannot_be_used_is_one_line(tmp_path, rows, message):
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    pd.DataFrame(rows, columns=["path", "label"]).to_csv(tmp_path / "list.csv", index=False)
    with pytest.raises(DataError) as error:
        load(str(tmp_path / "list.csv"), encode=True)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_no_set_is_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    for name, message in (
        ("nowhere", "which does not exist"), ("empty", "found none"), ("other.csv", "columns path and label"),
    ):  # fmt: skip
        with pytest.raises(DataError) as error:
            load(str(tmp_path / name), encode=True)
        assert message in str(error.value)
    (tmp_path / "REAL").mkdir()
    (tmp_path / "REAL/broken.png").write_bytes(b"no")
    with pytest.raises(DataError, match=r"REAL/broken.png: not an image"):
        load(str(tmp_path), encode=True)
