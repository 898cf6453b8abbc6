import numpy as np
import pytest
from matplotlib.colors import to_hex

from cifake.data import load
from cifake.evaluation.run_figures import FAKE_COLOUR, REAL_COLOUR, run_figures

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
    return run_figures(HISTORY, 0, part, scores, "sgd", 3), scores


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
    assert labelled.items() >= {"FAKE": FAKE_COLOUR.lower(), "REAL": REAL_COLOUR.lower()}.items()


def test_the_worst_mistakes_come_first(figures, part):
    (axes,) = figures[0]["worst_mistakes.png"].axes
    for number in range(3):
        expected = f"{('REAL', 'FAKE')[part.labels[number]]} {part.objects[number]}\n"
        assert axes.texts[number].get_text().startswith(expected)
        assert np.array_equal(axes.images[number].get_array(), part.images[number])


def test_a_perfect_model_has_a_page_without_mistakes(part):
    figures = run_figures(HISTORY, 0, part, part.labels.astype("float32"), "sgd", 3)
    assert (
        figures["worst_mistakes.png"]
        .get_suptitle()
        .startswith("sgd seed 3: the worst 0 of 0 mistakes on 1,000")
    )


def test_every_figure_names_variant_and_seed(figures):
    assert [figure.get_suptitle().split(":")[0] for figure in figures[0].values()] == ["sgd seed 3"] * 6


def test_curves_have_the_colour_that_the_variant_has_in_mlflow(figures):
    history, roc, calibration = (figures[0][f"{name}.png"] for name in ("history", "roc", "calibration"))
    lines = history.axes[0].lines[0], roc.axes[0].lines[1], calibration.axes[0].lines[1]
    assert [line.get_color() for line in lines] == ["#D55E00"] * 3


def test_the_roc_shows_what_the_threshold_takes(figures, part):
    figure, scores = figures
    point = figure["roc.png"].axes[0].lines[2]
    real, fake = ((scores[part.labels == label] >= 0.5).mean() for label in (0, 1))
    assert (point.get_xdata(), point.get_ydata()) == ([real], [fake])
    assert point.get_label() == f"threshold 0.5: {fake:.1%} of FAKE and\n{real:.1%} of REAL called FAKE"


def test_calibration_has_wilsons_intervals(figures, part):
    """Against the closed form: Wilson (1927), as the interval of a score test."""
    figure, scores = figures
    (bars,) = figure["calibration.png"].axes[0].containers
    segments = bars.lines[2][0].get_segments()
    inside = np.minimum((scores * 15).astype(int), 14) == 4
    n, share, z = inside.sum(), part.labels[inside].mean(), 1.959964
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    assert segments[4][:, 1] == pytest.approx([middle - half, middle + half], abs=1e-6)
