"""What data sets are called, and how images of other sizes and formats are taken."""

import io
import logging

import numpy as np
import pytest
from PIL import Image

from cifake.core.errors import DataError
from cifake.data import load, load_test_part, naming
from cifake.data.prepare import prepare
from tests.support.data_sets import pack, write_tree


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def name(monkeypatch):
    """A function that loads the data of a path and returns its name."""

    def load_name(path, **arguments):
        monkeypatch.setenv("CIFAKE_DATA", str(path))
        return load(**arguments).name

    return load_name


@pytest.fixture
def as_cifake(name, tree, monkeypatch):
    """The digest of the tiny tree in place of CIFAKE's."""
    name(tree)
    monkeypatch.setattr(naming, "CIFAKE_DIGEST", load().digest.removesuffix("-full"))


def test_cifake_is_known_by_its_content_in_any_packing(as_cifake, name, tree, demo_files, tmp_path):
    deeper = {f"Downloads/images/{path}": data for path, data in reversed(demo_files.items())}
    for path in (tree, pack(tmp_path / "a.zip", deeper), pack(tmp_path / "b.tar.xz", demo_files)):
        assert name(path) == name(path, dataset="cifake") == name(path, dataset_name="cifake") == "cifake"


def test_a_changed_or_smaller_cifake_has_another_name(as_cifake, name, tree, demo_files, tmp_path):
    fewer = dict(list(demo_files.items())[1:])
    assert name(pack(tmp_path / "fewer.tar.xz", fewer)) == "fewer"
    first, *_, last = sorted(demo_files)
    (tree / first).write_bytes(demo_files[last])
    assert name(tree) == "tree"


@pytest.mark.parametrize(
    ("folder", "given", "called"),
    [
        ("photos", None, "photos"),
        ("My photos & fakes", None, "My-photos-fakes"),
        ("Bilder für KI", None, "Bilder-für-KI"),
        (".hidden", None, "hidden"),
        ("photos", "ddpm_v1.2", "ddpm_v1.2"),
        ("cifake", "part-of-it", "part-of-it"),
    ],
)
def test_other_images_are_called_as_their_folder_or_as_given(
    name, demo_files, tmp_path, folder, given, called
):
    path = write_tree(tmp_path / folder, demo_files)
    assert name(path, dataset_name=given) == name(path, dataset="other", dataset_name=given) == called


@pytest.mark.parametrize(
    ("folder", "arguments", "message"),
    [
        ("cifake", {}, r"not CIFAKE's \(digest \w{16}\) and cannot be called 'cifake'; give dataset_name"),
        ("CIFAKE.zip", {}, "cannot be called 'CIFAKE'; give dataset_name=<another name>"),
        ("demo", {}, "cannot be called 'demo'"),
        ("&", {}, "cannot be called ''"),
        ("photos", {"dataset_name": "cifake"}, "cannot be called 'cifake'"),
        ("photos", {"dataset": "cifake"}, "set CIFAKE_DATA to CIFAKE, or leave dataset=cifake out"),
        (
            "photos",
            {"dataset": "demo", "dataset_name": "mine"},
            "the demo set are called demo; leave dataset_name",
        ),
    ],
)
def test_a_wrong_name_is_refused(name, demo_files, tmp_path, folder, arguments, message):
    write = pack if folder.endswith(".zip") else write_tree
    with pytest.raises(DataError, match=message) as caught:
        name(write(tmp_path / folder, demo_files), **arguments)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("arguments", [{"dataset": "other"}, {"dataset_name": "mine"}])
def test_cifake_is_not_called_otherwise(as_cifake, name, tree, arguments):
    with pytest.raises(
        DataError, match=f"{tree} are called cifake; leave dataset_name and dataset=other out"
    ):
        name(tree, **arguments)


def test_a_name_without_images_is_no_demo_set(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="expected CIFAKE_DATA to name a folder or an archive"):
        load(dataset_name="mine")


def picture(size, form, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def test_images_of_other_sizes_and_formats_are_prepared_and_counted(demo_files, tmp_path, name, caplog):
    others = {"test/FAKE/a.png": picture(64, "PNG"), "test/REAL/b.png": picture(32, "PNG", 1)}
    tree = write_tree(tmp_path / "mixed", {**demo_files, **others})
    with caplog.at_level(logging.INFO):
        name(tree)
    assert caplog.messages[-1] == (
        f"{tree} is not CIFAKE; it is called mixed (dataset_name): 122 images, 1 resized, 2 encoded as "
        "CIFAKE's JPEG"
    )
    test = load().test
    for path, data in others.items():
        (image,) = test.images[test.paths == path]
        assert np.array_equal(image, np.asarray(prepare(data)[0]))


def test_refused_are_other_sizes_and_what_is_taken_is_taken_exactly(demo_files, tmp_path, name):
    lossless = picture(32, "PNG")
    tree = write_tree(tmp_path / "mixed", {**demo_files, "test/FAKE/a.png": lossless})
    prepared = name(tree) and load()
    exact = load(resize="refuse")
    (image,) = exact.test.images[exact.test.paths == "test/FAKE/a.png"]
    assert np.array_equal(image, np.asarray(Image.open(io.BytesIO(lossless))))
    assert prepared.digest != exact.digest
    assert load().digest == prepared.digest
    (tree / "test/FAKE/a.png").write_bytes(picture(64, "PNG"))
    with pytest.raises(DataError, match=r"test/FAKE/a\.png: expected 32x32 pixels, received 64x64"):
        load(resize="refuse")


def test_object_classes_are_read_from_cifake_s_names_alone(demo_files, tmp_path, name):
    name(write_tree(tmp_path / "numbered", demo_files))
    assert set(load().test.objects) == {"airplane", "automobile"}
    odd = {"train/REAL/IMG (2023).jpg": demo_files["train/REAL/0000.jpg"]}
    name(write_tree(tmp_path / "named", {**demo_files, **odd}))
    data = load()
    assert set(data.test.objects) == {""}
    assert np.bincount(data.validation.labels).tolist() == [8, 8]


def test_a_run_s_images_are_found_by_their_digest(demo_files, tmp_path, name, monkeypatch):
    tree = write_tree(tmp_path / "photos", demo_files)
    name(tree)
    data = load()
    other = write_tree(tmp_path / "others", dict(list(demo_files.items())[1:]))
    monkeypatch.setenv("CIFAKE_DATA", str(other))  # what was decoded before is used, whatever is set
    assert np.array_equal(load_test_part("photos", "full", data.digest).images, data.test.images)
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / "empty"))
    message = f"expected the data that was tested on, photos {data.digest}, found .*-full in {other}; set"
    with pytest.raises(DataError, match=message):
        load_test_part("photos", "full", data.digest)
    monkeypatch.setenv("CIFAKE_DATA", str(tree))
    assert np.array_equal(load_test_part("photos", "full", data.digest).images, data.test.images)
