"""The figure of the view robustness: a heat map, and curves by strength."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifake.comparison.comparison import Comparison
from cifake.comparison.figures.style import heat_map, lines
from cifake.comparison.views.robustness import KEYS, robustness
from cifake.contract import CLEAN, ROBUST, STRENGTHS

# What is drawn as a curve: the strength that changes nothing, and what strengths are.
CURVED = {
    "jpeg": (100, "quality"),
    "blur": (0, "sigma, pixels"),
    "noise": (0, "sigma, share of the range"),
    "fgsm": (0, "epsilon, of 255"),
    "pgd": (0, "epsilon, of 255"),
}


def robustness_figure(comparison: Comparison) -> Figure:
    """Accuracy by group and perturbation as a heat map, dark is weak, above curves by strength."""
    rows = robustness(comparison).rows
    names = [name for key, name in KEYS.items() if any(row.get(key) is not None for row in rows)]
    figure = Figure(figsize=(14, 5 + 0.4 * len(rows)), layout="constrained")
    above, below = np.asarray(figure.subfigures(2, 1, height_ratios=[1.6 + 0.4 * len(rows), 3.4]))
    values = [[row.get(f"{ROBUST}{name}/accuracy") for name in names] for row in rows]
    axes = above.subplots()
    axes.set_title("accuracy under each perturbation", fontsize=9, loc="left")
    heat_map(axes, np.array(values, float), [row["variant"] for row in rows], names, ".2f")
    axes.set_xticks(axes.get_xticks(), names, rotation=50, ha="right", rotation_mode="anchor")
    by_name = {row["variant"]: row for row in rows}
    for axes, (kind, (_, unit)) in zip(
        below.subplots(1, len(CURVED), sharey=True), CURVED.items(), strict=True
    ):
        for group, colour, line in lines(comparison):
            if group.name in by_name:
                _curve(axes, kind, by_name[group.name], colour, line)
        axes.set(title=kind, xlabel=unit, ylim=(0, 1.02))
        if kind == "jpeg":  # weak to strong, as the others
            axes.invert_xaxis()
    first: Axes = below.axes[0]
    first.set_ylabel("accuracy")
    handles, labels = first.get_legend_handles_labels()
    below.legend(handles, labels, loc="outside right upper", fontsize=9)
    return figure


def _curve(axes: Axes, kind: str, row: dict[str, Any], colour: str, line: str) -> None:
    """One group's accuracy by strength, from the undisturbed images on."""
    strengths = [CURVED[kind][0], *STRENGTHS[kind]]
    names = [CLEAN, *(f"{kind}_{strength:g}" for strength in STRENGTHS[kind])]
    values = np.array([row.get(f"{ROBUST}{name}/accuracy") for name in names], float)
    axes.plot(strengths, values, line, marker=".", color=colour, label=row["variant"])
