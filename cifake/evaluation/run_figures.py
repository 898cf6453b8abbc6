"""Figures of one run. REAL and FAKE have the same colours in all of them."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifake.contract import LABELS, THRESHOLD, variant_colour
from cifake.data import Part
from cifake.evaluation.metrics import ECE_BINS, accuracy, decide

# The palette of Okabe and Ito can be distinguished with every kind of colour vision; a white background
# keeps the figures readable on light and dark pages.
REAL_COLOUR, FAKE_COLOUR, NEUTRAL = "#0072B2", "#D55E00", "#666666"
STYLE = {
    "figure.facecolor": "white", "savefig.facecolor": "white", "axes.grid": True, "grid.alpha": 0.3,
    "axes.spines.top": False, "axes.spines.right": False, "font.size": 10, "figure.dpi": 110,
    "axes.titlesize": 10, "figure.titlesize": 11, "text.parse_math": False,  # a variant may have a $ in it
}  # fmt: skip
WIDTH = 7  # inches, of a wide figure: MLflow shows artifacts in 600 to 950 pixels
COLUMNS = 3  # panels in a row
MISTAKES_SHOWN, MISTAKES_A_ROW = 24, 8


def run_figures(
    history: Sequence[dict[str, float]],
    best_epoch: int,
    test: Part,
    scores: np.ndarray,
    variant: str,
    seed: int,
) -> dict[str, Figure]:
    """All figures of a run, by file name; each is titled by variant and seed.

    Args:
        history: metrics of each epoch, by key.
        best_epoch: the epoch whose weights are kept, counted from 0.
        test: the test part, n images.
        scores: float [n], the probability of FAKE.
        variant: whose colour, as in MLflow and in comparisons, the curves have.
        seed: of the training.
    """
    name, colour, labels = f"{variant} seed {seed}", variant_colour(variant), test.labels
    with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
        return {
            "history.png": history_figure(history, best_epoch, name, colour),
            "confusion_matrix.png": confusion_figure(labels, scores, name),
            "roc.png": roc_figure(labels, scores, name, colour),
            "precision_recall.png": precision_recall_figure(labels, scores, name),
            "calibration.png": calibration_figure(labels, scores, name, colour),
            "worst_mistakes.png": mistakes_figure(test, scores, name),
        }


def history_figure(history: Sequence[dict[str, float]], best_epoch: int, name: str, colour: str) -> Figure:
    """Training and validation loss and accuracy by epoch, counted from 1."""
    figure = Figure(figsize=(6.3, 3.1), layout="constrained")  # MLflow shows it in the run's description
    epochs = np.arange(1, len(history) + 1)
    for axes, metric in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for part, style, label in (("train", "--", "training"), ("val", "-", "validation")):
            values = [row[f"{part}/{metric}"] for row in history]
            marker = "." if len(history) < 3 else ""
            axes.plot(epochs, values, style, color=colour, label=label, marker=marker)
        axes.axvline(best_epoch + 1, color=NEUTRAL, linestyle=":", label="epoch kept")
        axes.set(xlabel="epoch", ylabel=metric)
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.suptitle(f"{name}: epoch {best_epoch + 1} of {len(history)} is kept")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def confusion_figure(labels: np.ndarray, scores: np.ndarray, name: str) -> Figure:
    """The confusion matrix with counts and shares of each true class; columns are predicted classes."""
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(labels, decide(scores), labels=[0, 1])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = _square(
        f"{name}: confusion matrix", f"accuracy {accuracy(labels, scores):.4f} on {len(labels):,} test images"
    )
    axes.grid(False)
    axes.imshow(shares, cmap="Greys", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        axes.text(
            column, row, f"{count:,}\n{share:.1%}", ha="center", va="center", fontsize=14,
            color="white" if share > 0.5 else "black",
        )  # fmt: skip
    axes.set(xticks=[0, 1], yticks=[0, 1], xticklabels=LABELS, yticklabels=LABELS)
    axes.set(xlabel="predicted class", ylabel="true class")
    for tick in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        tick.set(color=FAKE_COLOUR if tick.get_text() == "FAKE" else REAL_COLOUR, fontweight="bold")
    return figure


def roc_figure(labels: np.ndarray, scores: np.ndarray, name: str, colour: str) -> Figure:
    """The ROC curve with its area, and the point on it that the threshold 0.5 takes."""
    from sklearn.metrics import roc_auc_score, roc_curve

    false_rate, true_rate, _ = roc_curve(labels, scores)
    at = [float(decide(scores[labels == label]).mean()) for label in (0, 1)]
    figure, axes = _square(
        f"{name}: ROC curve", f"area {roc_auc_score(labels, scores):.4f}, {len(labels):,} test images"
    )
    axes.plot([0, 1], [0, 1], ":", color=NEUTRAL, label="chance")
    axes.plot(false_rate, true_rate, color=colour, label="every threshold")
    called = f"threshold {THRESHOLD}: {at[1]:.1%} of FAKE and\n{at[0]:.1%} of REAL called FAKE"
    axes.plot(*at, "o", color="black", label=called)
    axes.set(xlabel="share of REAL called FAKE", ylabel="share of FAKE called FAKE")
    axes.legend(loc="lower right", fontsize=9)
    return figure


def precision_recall_figure(labels: np.ndarray, scores: np.ndarray, name: str) -> Figure:
    """Precision-recall curves with each class as the positive one, and what the threshold 0.5 takes."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    figure, axes = _square(f"{name}: precision and recall", f"{len(labels):,} test images")
    for positive, colour, truth, belief in (
        ("FAKE", FAKE_COLOUR, labels, scores),
        ("REAL", REAL_COLOUR, 1 - labels, 1 - scores),
    ):
        precision, recall, _ = precision_recall_curve(truth, belief)
        area = average_precision_score(truth, belief)
        axes.plot(recall, precision, color=colour, label=f"{positive}, average precision {area:.4f}")
        called = belief >= THRESHOLD if positive == "FAKE" else belief > 1 - THRESHOLD
        if called.any() and truth.any():
            right = truth[called].sum()
            axes.plot(right / truth.sum(), right / called.sum(), "o", color=colour)
    axes.plot([], [], "o", color="black", label=f"threshold {THRESHOLD}")
    axes.set(xlabel="recall", ylabel="precision", ylim=(min(0.5, axes.get_ylim()[0]), 1.01))
    axes.legend(loc="lower left", fontsize=9)
    return figure


def calibration_figure(labels: np.ndarray, scores: np.ndarray, name: str, colour: str) -> Figure:
    """A reliability diagram: share of FAKE by score, above a histogram of scores.

    Bars are Wilson's 95 % intervals of a share, from the images of a bin alone.
    """
    from scipy.stats import binomtest

    edges = np.linspace(0, 1, ECE_BINS + 1)
    bins = np.minimum((scores * ECE_BINS).astype(int), ECE_BINS - 1)
    counts = np.bincount(bins, minlength=ECE_BINS)
    filled = counts > 0
    mean_score = np.bincount(bins, weights=scores, minlength=ECE_BINS)[filled] / counts[filled]
    fakes = np.bincount(bins, weights=labels, minlength=ECE_BINS)[filled].astype(int)
    fake_share = fakes / counts[filled]
    intervals = [
        binomtest(count, of_bin).proportion_ci(method="wilson")
        for count, of_bin in zip(fakes.tolist(), counts[filled].tolist(), strict=True)
    ]
    ends = np.array([(interval.low, interval.high) for interval in intervals]).T
    figure = Figure(figsize=(5, 5.4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    above.plot([0, 1], [0, 1], ":", color=NEUTRAL, label="perfect")
    above.errorbar(
        mean_score, fake_share, np.abs(ends - fake_share), fmt="o-", color=colour, capsize=2, markersize=4,
        label="this model, 95 % (Wilson)",
    )  # fmt: skip
    above.set(ylabel="share that is FAKE")
    figure.suptitle(f"{name}: calibration\n{len(labels):,} test images in {ECE_BINS} bins of scores")
    above.legend(fontsize=9)
    for label, of_class in enumerate((REAL_COLOUR, FAKE_COLOUR)):
        below.hist(scores[labels == label], edges, color=of_class, alpha=0.6, label=LABELS[label])
    below.set(xlabel="probability of FAKE", ylabel="images", yscale="log")
    below.legend(loc="upper center", ncols=2, fontsize=9)
    return figure


def mistakes_figure(test: Part, scores: np.ndarray, name: str) -> Figure:
    """The misclassified images with the most confident scores."""
    wrong = np.flatnonzero(decide(scores) != test.labels)
    worst = wrong[np.argsort(-np.abs(scores[wrong] - test.labels[wrong]), kind="stable")][:MISTAKES_SHOWN]
    rows = max(1, -(-len(worst) // MISTAKES_A_ROW))
    cell, gap, above = WIDTH / MISTAKES_A_ROW, 0.4, 0.6  # inches: an image, the text above it, the title
    height = rows * (cell + gap)
    figure = Figure(figsize=(WIDTH, height + above))
    figure.suptitle(
        f"{name}: the worst {len(worst)} of {len(wrong):,} mistakes on {len(test):,} test images\n"
        "score is the probability of FAKE",
        y=1 - 0.1 / (height + above),
    )
    # One for all images: axes for each take far longer.
    axes = figure.add_axes((0, 0, 1, height / (height + above)))
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    axes.axis("off")
    for place, image in enumerate(worst):
        row, column = divmod(place, MISTAKES_A_ROW)
        left, top = column * cell, row * (cell + gap) + gap
        label = test.labels[image]
        axes.imshow(
            test.images[image],
            extent=(left + 0.06, left + cell - 0.06, top + cell - 0.12, top),
            aspect="auto",
        )
        axes.text(
            left + cell / 2, top - 0.04, f"{LABELS[label]} {test.objects[image]}\nscore {scores[image]:.3f}",
            ha="center", va="bottom", fontsize=7, color=(REAL_COLOUR, FAKE_COLOUR)[label],
        )  # fmt: skip
    return figure


def _square(title: str, about: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5, 4.8), layout="constrained")
    figure.suptitle(f"{title}\n{about}")
    return figure, figure.subplots()


def panel_grid(count: int, height: float, **options: Any) -> tuple[Figure, list[Axes]]:
    """A wide figure with panels in rows of COLUMNS, or in one row of fewer.

    Args:
        count: of panels, at least 1.
        height: of a row, in inches.
        options: of ``Figure.subplots``, such as ``sharey``.
    """
    rows = -(-count // COLUMNS)
    figure = Figure(figsize=(WIDTH, height * rows + 0.8), layout="constrained")
    grid = list(figure.subplots(rows, min(count, COLUMNS), squeeze=False, **options).flat)
    for axes in grid[count:]:
        axes.axis("off")
    return figure, grid[:count]
