"""Figures of an explanation: images with their heat, and where heat lies on average."""

from collections.abc import Mapping

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle

from cifake.contract import IMAGE_SIDE, LABELS
from cifake.evaluation.run_figures import FAKE_COLOUR, NEUTRAL, REAL_COLOUR, STYLE, WIDTH
from cifake.explain.examples import SHOWN, Explained, choose, outcomes
from cifake.explain.where import AREA_SHARE, BORDER, enlarge, mean_map

HEAT = "inferno"
COLOURS = {"REAL": REAL_COLOUR, "FAKE": FAKE_COLOUR}
MAPS_A_ROW = 6


def explanation_figures(
    explained: Explained, density: np.ndarray, table: pd.DataFrame, random_share: float, name: str
) -> dict[str, Figure]:
    """All figures by file name.

    Args:
        explained: n images.
        density: float [n, h, w], their heat, from ``densities``.
        table: from ``share_table`` with the groups of ``explained``.
        random_share: the border share of models with random weights.
        name: whose predictions are explained, as figures call it.
    """
    with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
        figures = {
            f"{outcome}.png": calls_figure(explained, outcome, rows, name)
            for outcome, rows in outcomes(explained)
        }
        figures["mean_maps.png"] = mean_maps_figure(density, explained.groups, name)
        figures["border_share.png"] = shares_figure(table, random_share, name)
    return figures


def calls_figure(explained: Explained, outcome: str, rows: np.ndarray, name: str) -> Figure:
    """Images of one outcome: the most confident, then a random sample, each above its heat."""
    chosen = {title: sample for title, sample in choose(rows, explained.scores).items() if len(sample)}
    height = 2.2 * max(len(chosen), 1) + 0.5
    figure = Figure(figsize=(WIDTH + 0.5, height), layout=ConstrainedLayoutEngine(rect=(0.03, 0, 0.97, 1)))
    grid = figure.subplots(2 * max(len(chosen), 1), SHOWN)
    for axes in grid.ravel():
        axes.axis("off")
    for above, below, (title, sample) in zip(grid[::2], grid[1::2], chosen.items(), strict=False):
        words = above[0].text(-0.12, -0.1, title, transform=above[0].transAxes, rotation=90, fontsize=9)
        words.set(ha="right", va="center", in_layout=False)  # otherwise the rows would make room for it
        for image_axes, heat_axes, row in zip(above, below, sample, strict=False):
            _show_example(image_axes, heat_axes, explained, int(row))
    count = f"{len(rows):,} of {len(explained.scores):,} images"
    figure.suptitle(f"{name}: {_in_words(outcome)}, {count}\nscore is the probability of FAKE")
    bar = ScalarMappable(Normalize(0, 1), HEAT)
    figure.colorbar(bar, ax=grid, shrink=0.5, aspect=40, label="heat / highest of the image")
    return figure


def _show_example(image_axes: Axes, heat_axes: Axes, explained: Explained, row: int) -> None:
    image, heat = explained.images[row], enlarge(explained.heat[row])
    object_name = "" if explained.objects is None else f"{explained.objects[row]}\n"
    image_axes.set_title(f"{object_name}score {explained.scores[row]:.3f}", fontsize=7.5)
    image_axes.imshow(image)
    # On grey, so that the image's colours are not taken for heat.
    heat_axes.imshow(image.mean(axis=-1), cmap="gray", vmin=0, vmax=255)
    if heat.max() > 0:
        heat_axes.imshow(heat / heat.max(), cmap=HEAT, vmin=0, vmax=1, alpha=0.6)
    else:
        heat_axes.set_title("no heat", fontsize=7.5, pad=1)


def mean_maps_figure(density: np.ndarray, groups: Mapping[str, np.ndarray], name: str) -> Figure:
    """The mean map of each label (or predicted class) and object class, on one scale."""
    key, label = next(iter(groups.items()))
    objects = groups.get("object", np.full(len(density), "all"))
    names = ["all", *(each for each in np.unique(objects) if each != "all")]
    shown = [row for row in LABELS if row in label]
    chosen = {
        (row, each): (label == row) & ((objects == each) | (each == "all")) for row in shown for each in names
    }
    means = {each: mean_map(density[members]) for each, members in chosen.items()}
    highest = max(2.0, *(float(mean.max()) for mean in means.values()))
    across = min(len(names), MAPS_A_ROW)
    down = -(-len(names) // across)  # rows of each label
    figure = Figure(
        figsize=(max(1.1 * across + 0.9, 4.6), 1.4 * down * len(shown) + 0.8), layout="constrained"
    )
    grid = figure.subplots(down * len(shown), across, squeeze=False)
    for axes in grid.flat:
        axes.axis("off")
    inner = IMAGE_SIDE - 2 * BORDER
    for (row, each), mean in means.items():
        axes = grid[shown.index(row) * down :].flat[names.index(each)]
        axes.imshow(mean, cmap=HEAT, vmin=0, vmax=highest)
        at = (BORDER - 0.5, BORDER - 0.5)
        axes.add_patch(Rectangle(at, inner, inner, fill=False, color="white", linewidth=0.8))
        title = f"{key} {row}" if each == "all" else each
        axes.set_title(f"{title}\nn = {chosen[row, each].sum():,}", fontsize=8, color=COLOURS[row])
    bar = ScalarMappable(Normalize(0, highest), HEAT)
    figure.colorbar(bar, ax=grid, shrink=0.6, label="heat / mean heat")
    figure.suptitle(f"{name}: mean heat towards the class called\nwhite: the outermost {BORDER} pixels")
    return figure


def shares_figure(table: pd.DataFrame, random_share: float, name: str) -> Figure:
    """The share of heat on the border by group, with two standard errors on each side."""
    figure = Figure(figsize=(WIDTH, 4), layout="constrained")
    axes = figure.subplots()
    key = table.columns[0]
    for offset, label in zip((-0.1, 0.1), LABELS, strict=True):
        rows = table[table[key] == label]
        names = rows["object"] if "object" in rows else rows[key].map(lambda _: "all")
        positions = np.arange(len(rows)) + offset
        axes.errorbar(
            positions, rows["border_share"], 2 * rows["standard_error"], fmt="o", color=COLOURS[label],
            capsize=3, label=f"{key} {label}, ± 2 standard errors",
        )  # fmt: skip
        if len(rows):
            axes.set_xticks(np.arange(len(rows)), names, fontsize=9, rotation=30 if len(rows) > 6 else 0)
            axes.set_xlim(-0.6, len(rows) - 0.4)
    axes.axhline(AREA_SHARE, color=NEUTRAL, linestyle=":", label="share of the area")
    axes.axhline(random_share, color="black", linestyle="--", label="random weights")
    axes.set(ylabel=f"share of the heat on the outermost {BORDER} pixels", ylim=(0, None))
    axes.legend(loc="lower right", ncols=2, fontsize=9)
    figure.suptitle(f"{name}: where the heat lies")
    return figure


def _in_words(outcome: str) -> str:
    kind, _, name = outcome.partition("_")
    other = LABELS[1 - LABELS.index(name)]
    return {"true": f"{name} and ", "false": f"{other}, but ", "called": ""}[kind] + f"called {name}"
