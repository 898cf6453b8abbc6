"""Figures of one robustness test."""

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifake.evaluation.figures import FAKE_COLOUR, NEUTRAL, REAL_COLOUR, STYLE
from cifake.evaluation.robustness.perturbations import CLEAN, STRENGTHS

# What is drawn together, with what its strength is.
PANELS = {
    "JPEG": (("jpeg",), "quality"),
    "blur": (("blur",), "sigma, pixels"),
    "noise": (("noise",), "sigma, share of the range"),
    "down and up": (("resize",), "share of the side"),
    "brightness": (("brightness",), "factor"),
    "contrast": (("contrast",), "factor"),
    "mirrored": (("flip",), ""),
    "within epsilon": (("random", "fgsm", "pgd"), "epsilon, of 255"),
}
LINES = {"random": (NEUTRAL, "o-"), "fgsm": (REAL_COLOUR, "s-"), "pgd": (FAKE_COLOUR, "D-")}
COLUMNS = 6


def robustness_figures(
    accuracies: Mapping[str, float], count: int, pictures: Mapping[str, np.ndarray]
) -> dict[str, Figure]:
    """Both figures by file name.

    Args:
        accuracies: by perturbation.
        count: images they are of.
        pictures: a few images under each perturbation, uint8 [k, 32, 32, 3].
    """
    with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
        return {
            "robustness.png": accuracies_figure(accuracies, count),
            "perturbations.png": pictures_figure(accuracies, pictures),
        }


def accuracies_figure(accuracies: Mapping[str, float], count: int) -> Figure:
    """Accuracy against strength, a panel a kind; the dotted line is the clean accuracy."""
    figure = Figure(figsize=(12, 5.6), layout="constrained")
    for axes, (title, (kinds, unit)) in zip(
        figure.subplots(2, 4, sharey=True).flat, PANELS.items(), strict=True
    ):
        if CLEAN in accuracies:
            axes.axhline(accuracies[CLEAN], color="black", linestyle=":")
        for kind in kinds:
            _line(axes, kind, accuracies, "black" if len(kinds) == 1 else LINES[kind][0])
        axes.set(title=title, xlabel=unit, ylim=(0, 1.02))
        if title == "mirrored":
            axes.set_xticks([])
        if len(kinds) > 1:
            axes.legend(fontsize=9)
    for axes in figure.axes[::4]:
        axes.set_ylabel("accuracy")
    figure.suptitle(f"accuracy of {count:,} test images under each perturbation; dotted: undisturbed")
    return figure


def pictures_figure(accuracies: Mapping[str, float], pictures: Mapping[str, np.ndarray]) -> Figure:
    """A few images under each perturbation, with what it leaves of the accuracy."""
    rows = -(-len(pictures) // COLUMNS)
    figure = Figure(figsize=(13, 1.15 * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, (name, images) in zip(grid, pictures.items(), strict=False):
        axes.imshow(np.concatenate(list(images), axis=1))
        axes.set_title(f"{name}: {accuracies[name]:.3f}", fontsize=10)
    figure.suptitle("the first test images under each perturbation, with the accuracy that is left")
    return figure


def _line(axes: Axes, kind: str, accuracies: Mapping[str, float], colour: str) -> None:
    known = [each for each in STRENGTHS[kind] if f"{kind}_{each:g}" in accuracies]
    values = [accuracies[f"{kind}_{each:g}"] for each in known]
    style = LINES.get(kind, ("", "o-"))[1]
    axes.plot(known, values, style, color=colour, markersize=5, label=kind)
