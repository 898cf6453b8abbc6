import numpy as np
import pytest

from cifake.core.errors import DataError
from cifake.data import load
from cifake.data.split import make_split, part_rows


def tiny(copies=None):
    """Two object classes, 20 training and 5 test images of each (label, class)."""
    strata = [(label, kind) for label in (0, 1) for kind in ("cat", "dog")]
    labels = np.repeat([label for label, _ in strata], 25)
    objects = np.repeat([kind for _, kind in strata], 25)
    is_test = np.tile(np.arange(25) >= 20, 4)
    return is_test, labels, objects, np.arange(100) if copies is None else copies


def test_a_fifth_of_every_stratum_is_validation_and_test_stays_test():
    is_test, labels, objects, copies = tiny()
    parts = make_split(is_test, labels, objects, copies)
    assert list(parts) == ["train", "validation", "test"]
    assert {name: len(rows) for name, rows in parts.items()} == {"train": 64, "validation": 16, "test": 20}
    for name, each in (("train", 16), ("validation", 4), ("test", 5)):
        for label in (0, 1):
            for kind in ("cat", "dog"):
                chosen = parts[name]
                assert ((labels[chosen] == label) & (objects[chosen] == kind)).sum() == each
    assert sorted(np.concatenate(list(parts.values()))) == list(range(100))
    assert set(parts["test"]) == set(np.flatnonzero(is_test))


def test_no_copy_stands_in_two_parts():
    copies = np.arange(100)
    copies[0] = copies[22]  # training image 0 is a copy of test image 22
    copies[1:9] = copies[1]  # eight training images are copies of each other
    copies[45] = copies[30]  # so are two test images of one class and a training image of another
    parts = make_split(*tiny(copies))
    groups = {name: set(copies[rows]) for name, rows in parts.items()}
    assert not groups["train"] & groups["validation"]
    assert not groups["train"] & groups["test"]
    assert not groups["validation"] & groups["test"]
    assert len(parts["test"]) == 20  # official test images never move
    assert 0 not in np.concatenate(list(parts.values()))  # the copy leaves the training part
    assert set(range(1, 9)) <= set(parts["train"])


def test_every_prefix_is_balanced():
    is_test, labels, objects, copies = tiny()
    train = make_split(is_test, labels, objects, copies)["train"]
    for size in range(1, 65):
        counts = np.bincount(labels[train[:size]], minlength=2)
        assert abs(counts[0] - counts[1]) <= 1
        cats = (objects[train[:size]] == "cat").sum()
        assert abs(2 * cats - size) <= 2


def test_the_split_is_always_the_same():
    first, second = make_split(*tiny()), make_split(*tiny())
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_parts_lie_one_behind_the_other():
    sizes = {"train": 4000, "validation": 900, "test": 1200}
    assert part_rows(sizes, "full") == {
        "train": slice(0, 4000), "validation": slice(4000, 4900), "test": slice(4900, 6100)
    }  # fmt: skip
    assert part_rows(sizes, "small") == {
        "train": slice(0, 800), "validation": slice(4000, 4735), "test": slice(4900, 5900)
    }  # fmt: skip


def test_split_all_trains_on_all_but_the_last_5000_validation_images():
    assert part_rows({"train": 79622, "validation": 20000, "test": 20000}, "all") == {
        "train": slice(0, 94622), "validation": slice(94622, 99622), "test": slice(99622, 119622)
    }  # fmt: skip
    message = "split: expected 5,000 validation images or more for split=all, received 4,999; use split=full"
    with pytest.raises(DataError, match=message):
        part_rows({"train": 9000, "validation": 4999, "test": 40}, "all")


def test_the_last_validation_images_are_balanced_and_have_no_copy():
    """As many of each stratum as of the others, since the blocks are interleaved by stratum."""
    copies = np.arange(100)
    copies[1:5] = copies[1]
    is_test, labels, objects, copies = tiny(copies)
    last = make_split(is_test, labels, objects, copies)["validation"][-8:]
    strata = sorted(zip(labels[last].tolist(), objects[last].tolist(), strict=True))
    assert strata == [(0, "cat")] * 2 + [(0, "dog")] * 2 + [(1, "cat")] * 2 + [(1, "dog")] * 2
    assert not set(copies[last]) & set(np.delete(copies, last))


def test_too_few_images_for_the_small_split():
    message = "split: expected 800 train images or more for split=small, received 64; use split=full"
    with pytest.raises(DataError, match=message):
        part_rows({"train": 64, "validation": 16, "test": 40}, "small")


def test_data_without_a_label_in_a_part_is_refused(tree, monkeypatch):
    monkeypatch.setenv("CIFAKE_DATA", str(tree))
    assert len(load().validation) == 16
    for path in sorted((tree / "train/FAKE").iterdir())[1:]:  # a fifth of one image is none
        path.unlink()
    with pytest.raises(DataError, match="received no FAKE images in the validation part"):
        load()
    for path in (tree / "train/FAKE").iterdir():
        path.write_bytes((tree / "test/FAKE/0001.jpg").read_bytes())
    with pytest.raises(DataError, match="received no FAKE images in the train part"):
        load()
