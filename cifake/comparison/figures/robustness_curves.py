"""The figure of the view robustness: a heat map, and curves by strength."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifake.comparison.comparison import Comparison
from cifake.comparison.figures.style import heat_map, legend, lines
from cifake.comparison.groups import Group
from cifake.comparison.views.robustness import KEYS, tested_groups
from cifake.contract import CLEAN, KINDS, ROBUST

COLUMNS = 5  # panels in a row
PANEL, ROW, NAMES = 2.3, 0.4, 1.3  # inches: height of a panel, of a row of the heat map, of names below it


def robustness_figure(comparison: Comparison) -> Figure:
    """Accuracy by group and perturbation as a heat map, dark is weak, above curves by strength.

    Each kind that was measured has a panel, in which strength grows to the right from the undisturbed
    images on. A band is the range of the seeds.
    """
    groups = tested_groups(comparison)
    keys = [key for key in KEYS if any(len(group.values(key)) for group in groups)]
    kinds = [kind for kind in KINDS if any(key.startswith(f"{ROBUST}{kind}_") for key in keys)]
    rows = -(-len(kinds) // COLUMNS)
    heights = [NAMES + ROW * len(groups), PANEL * rows + 0.4]
    figure = Figure(figsize=(14, sum(heights[: 1 + bool(rows)])), layout="constrained")
    above, *below = np.atleast_1d(
        figure.subfigures(1 + bool(rows), 1, height_ratios=heights[: 1 + bool(rows)])
    )
    _heat_map(above.subplots(), groups, keys)
    if kinds:
        grid = below[0].subplots(rows, COLUMNS, sharey=True, squeeze=False)
        for axes in grid.flat[len(kinds) :]:
            axes.axis("off")
        for axes, kind in zip(grid.flat, kinds, strict=False):
            _panel(axes, kind, comparison, groups)
        for axes in grid[:, 0]:
            axes.set_ylabel("accuracy")
        legend(below[0])
    return figure


def _heat_map(axes: Axes, groups: list[Group], keys: list[str]) -> None:
    values = [[group.mean(key) for key in keys] for group in groups]
    names = [KEYS[key] for key in keys]
    axes.set_title("accuracy under each perturbation, mean over seeds", fontsize=9, loc="left")
    heat_map(axes, np.array(values, float), [group.name for group in groups], names, ".2f")
    axes.set_xticks(axes.get_xticks(), names, rotation=50, ha="right", rotation_mode="anchor")


def _panel(axes: Axes, kind: str, comparison: Comparison, groups: list[Group]) -> None:
    """One kind: the accuracy of each group by strength, and its undisturbed accuracy as a thin line."""
    by_name = {group.name: group for group in groups}
    named = {KINDS[kind].none: CLEAN} | {each: f"{kind}_{each:g}" for each in KINDS[kind].strengths}
    keys = {strength: f"{ROBUST}{named[strength]}/accuracy" for strength in sorted(named)}
    measured: set[float] = set()
    for shown, colour, line in lines(comparison):
        if shown.name not in by_name:
            continue
        group = by_name[shown.name]
        values = {strength: group.values(key) for strength, key in keys.items() if len(group.values(key))}
        if not set(values) - {KINDS[kind].none}:
            continue
        measured |= set(values)
        low, mean, high = ([f(each) for each in values.values()] for f in (np.min, np.mean, np.max))
        axes.plot(list(values), mean, line, marker=".", color=colour, label=group.name)
        axes.fill_between(list(values), low, high, color=colour, alpha=0.15, linewidth=0)
        if (undisturbed := group.mean(keys[KINDS[kind].none])) is not None:
            axes.axhline(undisturbed, color=colour, linewidth=0.6, alpha=0.6)
    axes.set(title=kind, xlabel=KINDS[kind].unit, ylim=(0, 1.02))
    axes.set_xticks(sorted(measured), [f"{each:g}" for each in sorted(measured)], fontsize=8)
    axes.xaxis.set_inverted(KINDS[kind].is_descending)
