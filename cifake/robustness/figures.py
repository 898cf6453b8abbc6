"""Figures of one robustness test."""

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifake.contract import CLEAN, STRENGTHS
from cifake.evaluation.figures import FAKE_COLOUR, NEUTRAL, REAL_COLOUR, STYLE

# A panel's title, the kinds in it, and the unit of their strength.
PANELS = {
    "JPEG": (("jpeg",), "quality"),
    "blur": (("blur",), "sigma, pixels"),
    "noise": (("noise",), "sigma, share of the range"),
    "down and up": (("resize",), "share of the side"),
    "brightness": (("brightness",), "factor"),
    "contrast": (("contrast",), "factor"),
    "mirrored": (("flip",), ""),
    "accuracy within epsilon": (("random", "fgsm", "pgd"), "epsilon, of 255"),
}
ATTACK_LINES = {"random": (NEUTRAL, "o-"), "fgsm": (REAL_COLOUR, "s-"), "pgd": (FAKE_COLOUR, "D-")}
METRIC_LINES = {
    "accuracy": ("black", "o-", "accuracy"),
    "roc_auc": (REAL_COLOUR, "s--", "ROC AUC"),
    "fake_share": (FAKE_COLOUR, "D:", "share called FAKE"),
}
COLUMNS = 6
Results = Mapping[str, Mapping[str, float]]  # a metric's value by metric, then perturbation


def robustness_figures(results: Results, count: int, pictures: Mapping[str, np.ndarray]) -> dict[str, Figure]:
    """Both figures of a test, by file name.

    Args:
        results: ``accuracy``, ``roc_auc`` and ``fake_share``, each by perturbation.
        count: number of test images.
        pictures: a few images under each perturbation, uint8 [k, 32, 32, 3].
    """
    with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
        return {
            "robustness.png": results_figure(results, count),
            "perturbations.png": pictures_figure(results["accuracy"], pictures),
        }


def results_figure(results: Results, count: int) -> Figure:
    """Accuracy, ROC AUC and share called FAKE against strength, a panel for each kind.

    A thin line is the accuracy on clean images.
    """
    figure = Figure(figsize=(13, 5.8), layout="constrained")
    for axes, (title, (kinds, unit)) in zip(
        figure.subplots(2, 4, sharey=True).flat, PANELS.items(), strict=True
    ):
        if CLEAN in results["accuracy"]:
            axes.axhline(results["accuracy"][CLEAN], color="black", linewidth=0.6)
        if len(kinds) == 1:
            for metric, (colour, style, label) in METRIC_LINES.items():
                _line(axes, kinds[0], results[metric], colour, style, label)
        else:
            for kind in kinds:
                _line(axes, kind, results["accuracy"], *ATTACK_LINES[kind], kind)
            axes.legend(fontsize=9, loc="lower left")
        axes.set(title=title, xlabel=unit, ylim=(0, 1.02))
        if title == "mirrored":
            axes.set_xticks([])
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(f"{count:,} test images under each perturbation; thin line: accuracy on clean images")
    return figure


def pictures_figure(accuracies: Mapping[str, float], pictures: Mapping[str, np.ndarray]) -> Figure:
    """A few images under each perturbation, with the accuracy under it."""
    rows = -(-len(pictures) // COLUMNS)
    figure = Figure(figsize=(13, 0.85 * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, (name, images) in zip(grid, pictures.items(), strict=False):
        axes.imshow(np.concatenate(list(images), axis=1))
        axes.set_title(f"{name}: {accuracies[name]:.3f}", fontsize=10)
    figure.suptitle("the first test images under each perturbation, with the accuracy under it")
    return figure


def _line(axes: Axes, kind: str, values: Mapping[str, float], colour: str, style: str, label: str) -> None:
    known = [each for each in STRENGTHS[kind] if f"{kind}_{each:g}" in values]
    drawn = [values[f"{kind}_{each:g}"] for each in known]
    axes.plot(known, drawn, style, color=colour, markersize=5, label=label)
