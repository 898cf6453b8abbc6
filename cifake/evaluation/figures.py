"""Figures of one run. REAL and FAKE have the same colours in all of them."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifake.contract import LABELS
from cifake.data import Part
from cifake.evaluation.metrics import ECE_BINS, decide

# The palette of Okabe and Ito can be distinguished with every kind of colour vision; a white background
# keeps the figures readable on light and dark pages.
REAL_COLOUR, FAKE_COLOUR, NEUTRAL = "#0072B2", "#D55E00", "#666666"
STYLE = {
    "figure.facecolor": "white", "savefig.facecolor": "white", "axes.grid": True, "grid.alpha": 0.3,
    "axes.spines.top": False, "axes.spines.right": False, "font.size": 11, "figure.dpi": 110,
}  # fmt: skip
MISTAKES_SHOWN, MISTAKES_A_ROW = 24, 8


def run_figures(
    history: Sequence[dict[str, float]], best_epoch: int, test: Part, scores: np.ndarray
) -> dict[str, Figure]:
    """All figures of a run, by file name.

    Args:
        history: metrics of each epoch, by key.
        best_epoch: the epoch whose weights are kept, counted from 0.
        test: the test part, n images.
        scores: float [n], the probability of FAKE.
    """
    with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
        return {
            "history.png": history_figure(history, best_epoch),
            "confusion_matrix.png": confusion_figure(test.labels, scores),
            "roc.png": roc_figure(test.labels, scores),
            "precision_recall.png": precision_recall_figure(test.labels, scores),
            "calibration.png": calibration_figure(test.labels, scores),
            "worst_mistakes.png": mistakes_figure(test, scores),
        }


def history_figure(history: Sequence[dict[str, float]], best_epoch: int) -> Figure:
    """Training and validation loss and accuracy by epoch."""
    figure = Figure(figsize=(6.4, 2.8), layout="constrained")  # MLflow shows it in the run's description
    epochs = np.arange(1, len(history) + 1)
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for part, style in (("train", "--"), ("val", "-")):
            values = [row[f"{part}/{name}"] for row in history]
            label = "training" if part == "train" else "validation"
            axes.plot(
                epochs, values, style, color="black", label=label, marker="." if len(history) < 3 else ""
            )
        axes.axvline(best_epoch + 1, color=NEUTRAL, linestyle=":", label="epoch kept")
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


def confusion_figure(labels: np.ndarray, scores: np.ndarray) -> Figure:
    """The confusion matrix with counts and shares of each true class; columns are predicted classes."""
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(labels, decide(scores), labels=[0, 1])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = _square(f"n = {len(labels):,}")
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


def roc_figure(labels: np.ndarray, scores: np.ndarray) -> Figure:
    """The ROC curve, with its area."""
    from sklearn.metrics import roc_auc_score, roc_curve

    false_rate, true_rate, _ = roc_curve(labels, scores)
    figure, axes = _square(f"ROC AUC {roc_auc_score(labels, scores):.4f}, n = {len(labels):,}")
    axes.plot(false_rate, true_rate, color=FAKE_COLOUR)
    axes.plot([0, 1], [0, 1], ":", color=NEUTRAL)
    axes.set(xlabel="share of REAL called FAKE", ylabel="share of FAKE called FAKE")
    return figure


def precision_recall_figure(labels: np.ndarray, scores: np.ndarray) -> Figure:
    """Precision-recall curves with each class as the positive one."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    figure, axes = _square(f"n = {len(labels):,}")
    for name, colour, truth, belief in (
        ("FAKE", FAKE_COLOUR, labels, scores),
        ("REAL", REAL_COLOUR, 1 - labels, 1 - scores),
    ):
        precision, recall, _ = precision_recall_curve(truth, belief)
        area = average_precision_score(truth, belief)
        axes.plot(recall, precision, color=colour, label=f"{name}, average precision {area:.4f}")
    axes.set(xlabel="recall", ylabel="precision", ylim=(min(0.5, axes.get_ylim()[0]), 1.01))
    axes.legend(loc="lower left")
    return figure


def calibration_figure(labels: np.ndarray, scores: np.ndarray) -> Figure:
    """A reliability diagram: share of FAKE by score, above a histogram of scores."""
    edges = np.linspace(0, 1, ECE_BINS + 1)
    bins = np.minimum((scores * ECE_BINS).astype(int), ECE_BINS - 1)
    counts = np.bincount(bins, minlength=ECE_BINS)
    filled = counts > 0
    mean_score = np.bincount(bins, weights=scores, minlength=ECE_BINS)[filled] / counts[filled]
    fake_share = np.bincount(bins, weights=labels, minlength=ECE_BINS)[filled] / counts[filled]
    figure = Figure(figsize=(5, 5.4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    above.plot([0, 1], [0, 1], ":", color=NEUTRAL, label="perfect")
    above.plot(mean_score, fake_share, "o-", color="black", label="this model")
    above.set(ylabel="share that is FAKE", title=f"calibration, n = {len(labels):,}")
    above.legend()
    for label, colour in enumerate((REAL_COLOUR, FAKE_COLOUR)):
        below.hist(scores[labels == label], edges, color=colour, alpha=0.6, label=LABELS[label])
    below.set(xlabel="probability of FAKE", ylabel="images", yscale="log")
    below.legend()
    return figure


def mistakes_figure(test: Part, scores: np.ndarray) -> Figure:
    """The misclassified images with the most confident scores."""
    wrong = np.flatnonzero(decide(scores) != test.labels)
    worst = wrong[np.argsort(-np.abs(scores[wrong] - test.labels[wrong]), kind="stable")][:MISTAKES_SHOWN]
    rows = max(1, -(-len(worst) // MISTAKES_A_ROW))
    cell, gap, above = 9 / MISTAKES_A_ROW, 0.42, 0.45  # inches: an image, the text above it, the title
    height = rows * (cell + gap)
    figure = Figure(figsize=(9, height + above))
    figure.suptitle(f"worst of {len(wrong):,} mistakes in {len(test):,} (score is the probability of FAKE)")
    axes = figure.add_axes(
        (0, 0, 1, height / (height + above))
    )  # one for all images: axes for each take far longer
    axes.set(xlim=(0, 9), ylim=(height, 0))
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
            ha="center", va="bottom", fontsize=8, color=(REAL_COLOUR, FAKE_COLOUR)[label],
        )  # fmt: skip
    return figure


def _square(title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(5, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    return figure, axes
