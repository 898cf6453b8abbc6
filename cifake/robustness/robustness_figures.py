"""Figures of one robustness test."""

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifake.contract import CLEAN, KINDS, perturbation_name, variant_colour
from cifake.evaluation.run_figures import NEUTRAL, STYLE, panel_grid

TITLES = {"jpeg": "JPEG", "resize": "down and up", "flip": "mirrored"}  # of kinds that say too little
ATTACK_LINES = {
    "random": ".:",
    "fgsm": ".--",
    "pgd": ".-",
}  # one panel: changes of one size, ever better aimed
METRIC_LINES = {
    "accuracy": ("o-", "accuracy"),
    "roc_auc": ("s--", "ROC AUC"),
    "fake_share": ("D:", "share called FAKE"),
}
Results = Mapping[str, Mapping[str, float]]  # a metric's value by metric, then perturbation


def robustness_figures(
    results: Results, count: int, pictures: Mapping[str, np.ndarray], variant: str, seed: int | str
) -> dict[str, Figure]:
    """Both figures of a test, by file name; they show what was measured.

    Args:
        results: ``accuracy``, ``roc_auc`` and ``fake_share``, each by perturbation.
        count: number of test images.
        pictures: a few images under each perturbation, uint8 [k, 32, 32, 3].
        variant: whose colour accuracies have.
        seed: of the training.
    """
    name, colour = f"{variant} seed {seed}", variant_colour(variant)
    with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
        figures = {"perturbations.png": pictures_figure(results["accuracy"], pictures, name)}
        if set(results["accuracy"]) - {CLEAN}:
            figures["robustness.png"] = results_figure(results, count, name, colour)
        return figures


def results_figure(results: Results, count: int, name: str, colour: str) -> Figure:
    """Accuracy, ROC AUC and share called FAKE against strength, a panel for each kind that was measured.

    Strength grows to the right, from the undisturbed images on, whose accuracy is a thin line.
    """
    kinds = [kind for kind in KINDS if _strengths(kind, results["accuracy"])]
    attacks = [kind for kind in kinds if kind in ATTACK_LINES]
    others = [kind for kind in kinds if kind not in attacks]
    figure, panels = panel_grid(len(others) + bool(attacks), 2.1, sharey=True, subplot_kw={"ylim": (0, 1.02)})
    for axes, kind in zip(panels, others, strict=False):
        for metric, (style, label) in METRIC_LINES.items():
            _line(axes, kind, results[metric], style, colour if metric == "accuracy" else NEUTRAL, label)
        axes.set_title(TITLES.get(kind, kind))
    for kind in attacks:
        _line(panels[-1], kind, results["accuracy"], ATTACK_LINES[kind], colour, kind)
    if attacks:
        panels[-1].legend(fontsize=8, loc="lower left")
        panels[-1].set_title("accuracy within epsilon")
    for axes in panels if CLEAN in results["accuracy"] else ():
        axes.axhline(results["accuracy"][CLEAN], color=colour, linewidth=0.7)
    if others:
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    figure.suptitle(f"{name}: {count:,} test images under each perturbation\nthin line: undisturbed accuracy")
    return figure


def pictures_figure(accuracies: Mapping[str, float], pictures: Mapping[str, np.ndarray], name: str) -> Figure:
    """A few images under each perturbation, with the accuracy under it."""
    figure, panels = panel_grid(len(pictures), 0.85)
    for axes, (perturbation, images) in zip(panels, pictures.items(), strict=True):
        axes.axis("off")
        axes.imshow(np.concatenate(list(images), axis=1))
        axes.set_title(f"{perturbation}: {accuracies[perturbation]:.3f}", fontsize=9)
    figure.suptitle(f"{name}: the first test images under each perturbation,\nwith the accuracy under it")
    return figure


def _line(axes: Axes, kind: str, values: Mapping[str, float], style: str, colour: str, label: str) -> None:
    """One metric by strength, from the undisturbed images on."""
    declared = KINDS[kind]
    points = {each: values[perturbation_name(kind, each)] for each in _strengths(kind, values)}
    if CLEAN in values:
        points[declared.none] = values[CLEAN]
    strengths = sorted(points, reverse=declared.is_descending)
    axes.plot(strengths, [points[each] for each in strengths], style, color=colour, markersize=4, label=label)
    axes.set_xlabel(declared.unit)
    drawn = sorted({float(strength) for line in axes.lines for strength in np.asarray(line.get_xdata())})
    axes.set_xticks(drawn, [f"{each:g}" for each in drawn], fontsize=8)
    axes.xaxis.set_inverted(declared.is_descending)


def _strengths(kind: str, values: Mapping[str, float]) -> list[float]:
    return [each for each in KINDS[kind].strengths if perturbation_name(kind, each) in values]
