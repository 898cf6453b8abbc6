"""Scores without the test images that have a near-copy in training."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from cifake.comparison import compare
from cifake.core.errors import RunError
from tests.support.made_runs import LABELS, N, log_run, made_scores, write_near_copies
from tests.support.project import compare as command

NEAR = [0, 1, 5, 8, 9, 30, 31, 77]  # rows of test images with a near-copy
NONE = "no test image of the runs has a near-copy in training"
LEFT = np.setdiff1d(np.arange(N), NEAR)


@pytest.fixture
def file(tmp_path):
    return write_near_copies(tmp_path / "near.csv", NEAR)


def rows(report, file):
    (table,) = report.near_copies(file).tables
    return {row["variant"]: row for row in table.rows}


def test_scores_of_all_of_some_and_of_the_rest_are_those_of_scikit_learn(compared, file):
    row = rows(compare("f1", tracking_uri=compared), file)["base"]
    models = [made_scores(1.0, seed) >= 0.5 for seed in range(3)]
    for key, images in (("test/f1", slice(None)), ("without", LEFT), ("near_copies", NEAR)):
        values = [f1_score(LABELS[images], calls[images]) for calls in models]
        assert row[key] == pytest.approx(np.mean(values))
        assert row[f"{key}_low"] < row[key] < row[f"{key}_high"]
    assert row["change"] == pytest.approx(row["without"] - row["test/f1"])
    assert row["change_low"] < row["change"] < row["change_high"]


@pytest.mark.parametrize(("metric", "score"), [("f1", f1_score), ("accuracy", accuracy_score)])
def test_the_interval_of_a_change_is_that_of_the_jackknife(store, file, metric, score):
    calls = made_scores(1.0, 0) >= 0.5
    log_run("base", predictions=made_scores(1.0, 0))
    row = rows(compare(metric), file)["base"]

    def change(kept):
        left = np.intersect1d(kept, LEFT)
        return score(LABELS[left], calls[left]) - score(LABELS[kept], calls[kept])

    without_one = [change(np.delete(np.arange(N), image)) for image in range(N)]
    error = np.sqrt((N - 1) / N * np.sum((without_one - np.mean(without_one)) ** 2))
    assert (row["change_high"] - row["change_low"]) / 2 == pytest.approx(1.96 * error, rel=0.02)


def test_the_conclusion_says_whether_the_order_changes(store, file):
    for variant, right in (("learned", NEAR), ("base", LEFT[:5])):  # five and more of 200
        scores = np.where(np.isin(np.arange(N), [*right, *LEFT[5:]]), LABELS, 1 - LABELS)
        log_run(variant, predictions=scores, accuracy=accuracy_score(LABELS, scores >= 0.5))
    (table,) = compare("accuracy").near_copies(file).tables
    assert [(row["variant"], row["rank"], row["rank_without"]) for row in table.rows] == [
        ("learned", 1, 2), ("base", 2, 1)
    ]  # fmt: skip
    assert table.rows[0]["near_copies"] == 1
    assert table.conclusion.startswith(
        "Without the 8 of 200 test images that have a near-copy in training, accuracy changes by "
    )
    assert table.conclusion.endswith("; the order changes.")
    assert "of the same label: 3 REAL and 5 FAKE." in table.caption
    assert "[one-seed] All groups: one seed" in table.caption


@pytest.mark.parametrize("count", [N - 1, N])
def test_fewer_than_two_images_have_no_score(compared, tmp_path, count):
    near = write_near_copies(tmp_path / "near.csv", range(count))
    (table,) = compare("accuracy", tracking_uri=compared).near_copies(near).tables
    assert table.conclusion == ""
    assert {(row["without"], row["without_low"], row["change"]) for row in table.rows} == {(None, None, None)}
    assert np.isfinite([row["near_copies_low"] for row in table.rows]).all()


def test_pairs_within_a_part_and_across_labels_leave_no_image_out(compared, file):
    pairs = pd.read_csv(file)
    pairs.loc[0, "second_label"] = "FAKE"  # across labels, a false alarm
    pairs.loc[1, "second_part"] = "train"
    pairs.loc[2, "first_part"] = "test"
    pairs.loc[3, ["first", "first_part", "second", "second_part"]] = ["test/8.jpg", "test", "x", "validation"]
    pairs.to_csv(file)
    (table,) = compare(tracking_uri=compared).near_copies(file).tables
    assert table.conclusion.startswith("Without the 5 of 200 test images")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("d1", "d2"), "expected near-copies of the runs' data set d1, received"),
        (lambda text: text.replace("first_part", "part"), "expected the columns that python -m cifake.audit"),
        (lambda text: text.splitlines()[0], NONE),
        (lambda text: text.replace("test/", "other/"), NONE),
        (lambda text: "", "cannot be read as CSV (No columns to parse from file)"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used_are_one_line(compared, tmp_path, capsys, change, message):
    file = tmp_path / "near.csv"
    write_near_copies(file, NEAR)
    file.write_text(change(file.read_text()))
    words = ["--tracking-uri", compared, "--view", "near_copies"]
    assert command(*words, "--near-copies", str(file)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {file}")
    assert message in line
    assert command(*words, "--near-copies", str(tmp_path / "none.csv")) == 2
    assert "none.csv cannot be read (No such file or directory)" in capsys.readouterr().err


def test_other_test_sets_are_refused(compared, file):
    with pytest.raises(RunError, match="expected a metric of the test images, received other/photos/acc"):
        _ = compare("other/photos/accuracy", tracking_uri=compared).near_copies(file).tables


def test_a_page_has_the_view_where_a_file_is_given(compared, file):
    report = compare(tracking_uri=compared)
    assert '<section id="near_copies">' in report.render("html", near_copies=file)
    assert '<section id="near_copies">' not in report.render("html")
