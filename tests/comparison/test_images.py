"""The view images: counts of mistakes, and the pixels of exactly the images that were called wrongly."""

import mlflow
import numpy as np
import pytest

from cifake.comparison import compare
from cifake.data import load
from tests.support.data_sets import write_tree
from tests.support.made_runs import OBJECTS, log_run, table

RIGHT, WRONG = 0.8, 0.3  # the score of the true label


@pytest.fixture
def images(store, tree, tmp_path, monkeypatch):
    """The test part of a tiny data set: 40 images."""
    monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CIFAKE_DATA", str(tree))
    return load()


def log_mistakes(data, variant, wrong, seed=0, paths=None, **metrics):
    """A run that calls some images wrongly; ``wrong`` has the true label's score, or WRONG, by place."""
    of_truth = np.full(40, RIGHT)
    for place, score in (wrong if isinstance(wrong, dict) else dict.fromkeys(wrong, WRONG)).items():
        of_truth[place] = score
    scores = np.where(data.test.labels == 1, of_truth, 1 - of_truth)
    predictions = table(scores, data.test.labels, paths or data.test.paths.tolist())
    run_id = log_run(
        variant, seed, digest=data.digest.removesuffix("-full"), predictions=predictions, **metrics
    )
    mlflow.MlflowClient().set_tag(run_id, "test_images", 40)


def test_mistakes_of_all_of_one_alone_mended_and_spoiled(images):
    log_mistakes(images, "base", [0, 1, 2, 3], f1=0.9)
    log_mistakes(images, "sgd", [0, 1, 2, 10, 11], f1=0.8)
    log_mistakes(images, "val", [0, 1, 11, 15], f1=0.7)
    view = compare().images()
    (shown,) = view.tables
    assert shown.conclusion == "2 of 40 images are wrong in all 3 variants, 33 right in all."
    counts = ("variant", "wrong", "only_wrong", "mended", "spoiled")
    assert [tuple(row.get(key) for key in counts) for row in shown.rows] == [
        ("all of them", 2, None, None, None),
        ("base", 4, 1, None, None),
        ("sgd", 5, 1, 1, 2),
        ("val", 4, 1, 2, 2),
    ]
    assert list(OBJECTS[[0, 1, 2, 3, 10, 11, 15]]) == ["cat"] * 2 + ["dog"] * 5
    by_class = view.frame.set_index(["variant", "object"])
    keys = ["images", "wrong_in_all", "wrong", "mended", "spoiled"]
    assert by_class.loc[("sgd", "dog"), keys].tolist() == [20, 0, 3, 1, 2]
    assert by_class.loc[("sgd", "cat"), keys].tolist() == [20, 2, 2, 0, 0]
    assert by_class.loc[("sgd", "all"), keys].tolist() == [40, 2, 5, 1, 2]
    titles = [column.title for column in shown.columns]
    assert titles[-3:] == ["verdict", "dog", "cat"]
    assert [row["verdict"] for row in shown.rows[1:]] == ["reference", "cannot tell", "cannot tell"]


def test_several_seeds_decide_by_their_mean_score(images):
    log_mistakes(images, "base", {0: 0.2, 1: 0.45}, seed=0)
    log_mistakes(images, "base", {0: 0.45, 1: 0.6}, seed=1)
    (shown,) = compare().images().tables
    assert shown.conclusion == "1 of 40 images are wrong."
    assert "by the mean score over seeds" in shown.caption
    assert [row["wrong"] for row in shown.rows] == [1]


def test_the_figure_has_the_pixels_label_and_scores_of_the_most_decided_mistakes(images):
    log_mistakes(images, "base", {0: 0.4, 4: 0.1, 2: 0.3}, f1=0.9)
    log_mistakes(images, "sgd", {0: 0.4, 4: 0.2, 6: 0.25}, f1=0.8)
    (figure,) = compare().images().figures
    (axes,) = figure.axes
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == ["wrong in all 2", "only base", "only sgd", "sgd mends", "sgd spoils"]
    mosaic = axes.images[0].get_array()
    (column,) = [i for i, label in enumerate(axes.get_xticklabels()) if label.get_text() == OBJECTS[4]]
    left = round(axes.get_xticks()[column]) - 16
    assert np.array_equal(mosaic[:32, left : left + 32, :3], images.test.images[4])
    score = 0.15 if images.test.labels[4] else 0.85
    name = "FAKE" if images.test.labels[4] else "REAL"
    assert f"{name} {score:.2f}\n1 of 2".replace("0.", ".") in {text.get_text() for text in axes.texts}
    assert any("→" in text.get_text() for text in axes.texts)


def test_without_any_mistake_there_is_nothing_to_draw(images):
    log_mistakes(images, "base", [])
    view = compare().images()
    assert view.tables[0].conclusion == "0 of 40 images are wrong."
    assert view.figures == []


def test_the_page_holds_the_pictures_in_little_space(images):
    for number in range(3):
        log_mistakes(images, f"v{number}", range(number, 40, 3))
    without = compare("cost/train_seconds").render("html")
    page = compare().render("html")
    assert page.count("data:image/png;base64,") == 1
    assert len(page.partition("data:image/png;base64,")[2].partition('"')[0]) < 300_000
    assert "img-src data:" in page
    assert "data:image" not in without


def test_pictures_come_from_the_cache_where_the_data_was_decoded_before(images, monkeypatch):
    log_mistakes(images, "base", [0])
    monkeypatch.delenv("CIFAKE_DATA")
    assert len(compare().images().figures) == 1


@pytest.mark.parametrize("reason", ["no data", "other data", "other images", "no such folder"])
def test_without_exactly_these_images_the_table_stands_alone(
    images, reason, tmp_path, monkeypatch, demo_files
):
    paths = [f"test/{i}.jpg" for i in range(40)] if reason == "other images" else None
    log_mistakes(images, "base", [0], paths=paths)
    if reason != "other images":
        monkeypatch.setenv("CIFAKE_CACHE", str(tmp_path / "empty"))
        monkeypatch.delenv("CIFAKE_DATA")
    if reason == "other data":
        fewer = dict(demo_files)
        fewer.pop(next(name for name in fewer if name.startswith("test")))
        monkeypatch.setenv("CIFAKE_DATA", str(write_tree(tmp_path / "other", fewer)))
    if reason == "no such folder":
        monkeypatch.setenv("CIFAKE_DATA", str(tmp_path / "nowhere"))
    view = compare().images()
    (note,) = view.tables[0].notes
    expected = {
        "no data": f"cifake {images.digest}, found none; set CIFAKE_DATA",
        "other data": f"-full in {tmp_path / 'other'}; set CIFAKE_DATA",
        "other images": "the test images of cifake on this machine have other names",
        "no such folder": "CIFAKE_DATA=",
    }
    assert note.startswith("No pictures: ")
    assert expected[reason] in note
    assert view.figures == []
    assert view.tables[0].rows[-1]["wrong"] == 1
