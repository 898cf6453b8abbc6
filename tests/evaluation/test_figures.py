import numpy as np
import pytest
from matplotlib.colors import to_hex

from cifake.data import load
from cifake.evaluation.figures import FAKE_COLOUR, REAL_COLOUR, run_figures

HISTORY = [
    {"train/loss": 0.7, "val/loss": 0.6, "train/accuracy": 0.5, "val/accuracy": 0.6},
    {"train/loss": 0.5, "val/loss": 0.7, "train/accuracy": 0.7, "val/accuracy": 0.5},
]


@pytest.fixture(scope="module")
def part():
    return load("demo", "small").test


@pytest.fixture(scope="module")
def figures(part):
    scores = np.random.default_rng(0).random(len(part)).astype("float32")
    scores[:3] = 1 - part.labels[:3]  # the three worst mistakes
    return run_figures(HISTORY, 0, part, scores), scores


def test_one_figure_each(figures):
    assert list(figures[0]) == [
        "history.png", "confusion_matrix.png", "roc.png", "precision_recall.png", "calibration.png",
        "worst_mistakes.png",
    ]  # fmt: skip


def test_history_shows_both_parts_and_the_epoch_kept(figures):
    loss, accuracy = figures[0]["history.png"].axes
    assert (loss.get_ylabel(), accuracy.get_ylabel(), loss.get_xlabel()) == ("loss", "accuracy", "epoch")
    training, validation, kept = loss.get_lines()
    assert training.get_ydata().tolist() == [0.7, 0.5]
    assert validation.get_ydata().tolist() == [0.6, 0.7]
    assert kept.get_xdata()[0] == 1


def test_the_confusion_matrix_counts_by_true_class(figures, part):
    figure, scores = figures
    (axes,) = figure["confusion_matrix.png"].axes
    counts = [int(text.get_text().split("\n")[0].replace(",", "")) for text in axes.texts]
    called_fake = scores >= 0.5
    fake = part.labels == 1
    assert counts == [
        (~fake & ~called_fake).sum(), (~fake & called_fake).sum(),
        (fake & ~called_fake).sum(), (fake & called_fake).sum(),
    ]  # fmt: skip


def test_classes_keep_their_colours(figures):
    (confusion,) = figures[0]["confusion_matrix.png"].axes
    (curves,) = figures[0]["precision_recall.png"].axes
    assert [tick.get_color() for tick in confusion.get_yticklabels()] == [REAL_COLOUR, FAKE_COLOUR]
    labelled = {line.get_label()[:4]: to_hex(line.get_color()) for line in curves.get_lines()}
    assert labelled == {"FAKE": FAKE_COLOUR.lower(), "REAL": REAL_COLOUR.lower()}


def test_the_worst_mistakes_come_first(figures, part):
    (axes,) = figures[0]["worst_mistakes.png"].axes
    for number in range(3):
        expected = f"{('REAL', 'FAKE')[part.labels[number]]} {part.objects[number]}\n"
        assert axes.texts[number].get_text().startswith(expected)
        assert np.array_equal(axes.images[number].get_array(), part.images[number])


def test_a_perfect_model_has_a_page_without_mistakes(part):
    figures = run_figures(HISTORY, 0, part, part.labels.astype("float32"))
    assert figures["worst_mistakes.png"].get_suptitle().startswith("worst of 0 mistakes in 1,000")
