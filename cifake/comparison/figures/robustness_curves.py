"""The figure of the view robustness: a heat map, and curves by strength."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifake.comparison.comparison import Comparison
from cifake.comparison.figures.style import heat_map, legend, lines
from cifake.comparison.groups import Group
from cifake.comparison.views.robustness import KEYS, tested_groups
from cifake.contract import CLEAN, KINDS, ROBUST, perturbation_name

COLUMNS = 5  # panels in a row
PANEL, ROW, NAMES = 2.3, 0.4, 1.3  # inches: height of a panel, of a row of the heat map, of names below it


Drawn = Sequence[tuple[Group, str, str]]  # groups with colour and line style


def robustness_figure(comparison: Comparison) -> Figure:
    """Accuracy by group and perturbation as a heat map, dark is weak, above curves by strength.

    Each kind that was measured has a panel, in which strength grows to the right from the undisturbed
    images on. A band is the range of the seeds.
    """
    groups = {group.name: group for group in tested_groups(comparison)}
    drawn = [
        (groups[each.name], colour, line) for each, colour, line in lines(comparison) if each.name in groups
    ]
    kinds = [kind for kind in KINDS if any(_values(group, kind) for group, *_ in drawn)]
    rows = -(-len(kinds) // COLUMNS)
    heights = [NAMES + ROW * len(groups), PANEL * rows + 0.4][: 1 + bool(rows)]
    figure = Figure(figsize=(14, sum(heights)), layout="constrained")
    above, *below = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False).flat
    _heat_map(above.subplots(), list(groups.values()))
    if kinds:
        grid = below[0].subplots(rows, COLUMNS, sharey=True, squeeze=False)
        for axes in grid.flat[len(kinds) :]:
            axes.axis("off")
        for axes, kind in zip(grid.flat, kinds, strict=False):
            _panel(axes, kind, drawn)
        for axes in grid[:, 0]:
            axes.set_ylabel("accuracy")
        legend(below[0], comparison)
    return figure


def _heat_map(axes: Axes, groups: Sequence[Group]) -> None:
    keys = [key for key in KEYS if any(len(group.values(key)) for group in groups)]
    values = np.array([[group.mean(key) for key in keys] for group in groups], float)
    names = [KEYS[key] for key in keys]
    axes.set_title("accuracy under each perturbation, mean over seeds", fontsize=9, loc="left")
    heat_map(axes, values, [group.name for group in groups], names, ".2f")
    axes.set_xticks(axes.get_xticks(), names, rotation=50, ha="right", rotation_mode="anchor")


def _panel(axes: Axes, kind: str, drawn: Drawn) -> None:
    """One kind: the accuracy of each group by strength, and its undisturbed accuracy as a thin line."""
    measured: set[float] = set()
    for group, colour, line in drawn:
        if not (values := _values(group, kind)):
            continue
        measured |= set(values)
        low, mean, high = ([f(each) for each in values.values()] for f in (np.min, np.mean, np.max))
        axes.plot(list(values), mean, line, marker=".", color=colour, label=group.name)
        axes.fill_between(list(values), low, high, color=colour, alpha=0.15, linewidth=0)
        if (undisturbed := values.get(KINDS[kind].none)) is not None:
            axes.axhline(undisturbed.mean(), color=colour, linewidth=0.6, alpha=0.6)
    axes.set(title=kind, xlabel=KINDS[kind].unit, ylim=(0, 1.02))
    axes.set_xticks(sorted(measured), [f"{each:g}" for each in sorted(measured)], fontsize=8)
    axes.xaxis.set_inverted(KINDS[kind].is_descending)


def _values(group: Group, kind: str) -> dict[float, np.ndarray]:
    """Accuracy of the seeds, float [seeds], by strength in ascending order; empty without any of the kind."""
    names = {each: perturbation_name(kind, each) for each in KINDS[kind].strengths}
    values = {each: group.values(f"{ROBUST}{name}/accuracy") for each, name in names.items()}
    measured = {each: of_seeds for each, of_seeds in values.items() if len(of_seeds)}
    undisturbed = group.values(f"{ROBUST}{CLEAN}/accuracy")
    if measured and len(undisturbed):
        measured[KINDS[kind].none] = undisturbed
    return dict(sorted(measured.items()))
