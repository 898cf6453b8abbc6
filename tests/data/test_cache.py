import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from cifake.core.cache_directory import cache_directory
from cifake.core.errors import DataError
from cifake.data import decode, load
from cifake.data.cache import find_copies
from cifake.data.decode import open_image
from tests.support.data_sets import TREE_SIZES, pack
from tests.support.project import REPOSITORY

LOAD = "from cifake.data import load; d = load(); print(d.digest, d.train.images.sum())"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / "cache"))


def start(script, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", f"if __name__ == '__main__':\n    {script}"],
        cwd=REPOSITORY, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_parts_carry_images_labels_objects_and_paths(tree, monkeypatch, demo_files):
    monkeypatch.setenv("CIFAKE_DATA", str(tree))
    data = load()
    assert data.name == "tree"
    assert {len(data.train), len(data.validation), len(data.test)} == {64, 16, 40}
    assert data.test.images.shape == (40, 32, 32, 3)
    assert data.test.images.dtype == np.uint8
    assert isinstance(data.test.images, np.memmap)
    for part in (data.train, data.validation, data.test):
        for image, label, kind, path in zip(part.images, part.labels, part.objects, part.paths, strict=True):
            assert label == (1 if "/FAKE/" in path else 0)
            assert kind == ("automobile" if "(2)" in path else "airplane")
            assert np.array_equal(image, np.asarray(open_image(demo_files[path])))


def test_a_directory_and_an_archive_of_it_are_one_data_set(tree, monkeypatch, demo_files, tmp_path):
    backwards = dict(reversed(demo_files.items()))
    digests = set()
    for path in (tree, pack(tmp_path / "a.tar.xz", demo_files), pack(tmp_path / "b.zip", backwards)):
        monkeypatch.setenv("CIFAKE_DATA", str(path))
        digests.add(load().digest)
    assert len(digests) == 1


def test_another_pixel_is_another_data_set(tree, monkeypatch, demo_files):
    monkeypatch.setenv("CIFAKE_DATA", str(tree))
    before = load().digest
    names = sorted(demo_files)
    (tree / names[0]).write_bytes(demo_files[names[-1]])
    assert load().digest != before


def test_processes_that_start_at_once_share_one_decoding(tree):
    processes = [start(LOAD, CIFAKE_DATA=str(tree)) for _ in range(3)]
    outputs = {process.communicate()[0] for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(outputs) == 1
    assert len([path for path in cache_directory().iterdir() if path.is_dir()]) == 1


def test_a_killed_decoding_leaves_nothing_that_could_be_taken_for_whole(tree, monkeypatch):
    slow = (
        "import time, cifake.data.cache as c; "
        "c.find_copies = lambda pixels: time.sleep(60); "
        "from cifake.data import load; load()"
    )
    process = start(slow, CIFAKE_DATA=str(tree))
    deadline = time.monotonic() + 30
    while not list(cache_directory().glob("*.unfinished/raw")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert [p.suffix for p in cache_directory().iterdir() if p.is_dir()] == [".unfinished"]
    monkeypatch.setenv("CIFAKE_DATA", str(tree))
    assert len(load().train) == 2 * TREE_SIZES["train"] * 4 // 5
    assert [p.suffix for p in cache_directory().iterdir() if p.is_dir()] == [""]


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_an_archive_cut_short_caches_nothing(tmp_path, monkeypatch, demo_files, share):
    archive = pack(tmp_path / "cut.tar.xz", demo_files)
    archive.write_bytes(archive.read_bytes()[: int(share * archive.stat().st_size)])
    monkeypatch.setenv("CIFAKE_DATA", str(archive))
    monkeypatch.setattr(decode, "CHUNK", 2)  # so that the end comes while processes are at work
    with pytest.raises(DataError, match="damaged or cut short"):
        load()
    assert not any(path.is_dir() for path in cache_directory().iterdir())


def test_copies_are_found_by_their_pixels():
    pixels = np.zeros((5, 32, 32, 3), np.uint8)
    pixels[1] = 1
    pixels[3, 31, 31, 2] = 1
    copies = find_copies(pixels)
    assert copies[0] == copies[2] == copies[4]
    assert len({copies[0], copies[1], copies[3]}) == 3


@pytest.mark.usefixtures("real_data")
def test_the_real_data_set():
    data = load("cifake")
    assert (data.name, data.digest) == ("cifake", "920ff6493a878ef2-full")
    # 378 training images are copies of test images; 100,000 - 378 - 20,000 remain.
    assert (len(data.train), len(data.validation), len(data.test)) == (79622, 20000, 20000)
    assert np.bincount(data.validation.labels).tolist() == [10000, 10000]
    small = load("cifake", "small")
    assert (len(small.train), len(small.validation), len(small.test)) == (800, 735, 1000)
    assert np.bincount(small.test.labels).tolist() == [500, 500]
    numbers = find_copies(np.concatenate([p.images for p in (data.train, data.validation, data.test)]))
    train, validation, test = np.split(numbers, [79622, 99622])
    assert not set(train) & set(validation)
    assert not set(train) & set(test)
    assert not set(validation) & set(test)
