"""Figures of an explanation: calls with their heat, and where heat lies on average."""

from collections.abc import Mapping

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cifake.config import IMAGE_SIDE
from cifake.data import LABELS
from cifake.evaluation.explanation.examples import SHOWN, Explained, choose, outcomes
from cifake.evaluation.explanation.where import AREA_SHARE, BORDER, enlarge, mean_map
from cifake.evaluation.figures import FAKE_COLOUR, NEUTRAL, REAL_COLOUR, STYLE

HEAT = "inferno"
COLOURS = {"REAL": REAL_COLOUR, "FAKE": FAKE_COLOUR}


def explanation_figures(
    explained: Explained, density: np.ndarray, table: pd.DataFrame, random_share: float
) -> dict[str, Figure]:
    """All figures by file name.

    Args:
        explained: n images.
        density: float [n, h, w], their heat, from ``densities``.
        table: from ``share_table`` with the groups of ``explained``.
        random_share: the border share of models with random weights.
    """
    with matplotlib.rc_context({**STYLE, "axes.grid": False}):  # type: ignore[arg-type]
        figures = {f"{name}.png": calls_figure(explained, name, rows) for name, rows in outcomes(explained)}
        figures["mean_maps.png"] = mean_maps_figure(density, explained.groups, table)
    with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
        figures["border_share.png"] = shares_figure(table, random_share)
    return figures


def calls_figure(explained: Explained, outcome: str, rows: np.ndarray) -> Figure:
    """Images of one outcome: the most confident, then some at random, each above its heat."""
    figure = Figure(figsize=(10.5, 6.9), layout="constrained")
    grid = figure.subplots(4, SHOWN)
    for axes in grid.ravel():
        axes.axis("off")
    chosen = choose(rows, explained.scores)
    for above, below, (title, shown) in zip(grid[::2], grid[1::2], chosen.items(), strict=True):
        above[0].text(-0.12, -0.05, title, transform=above[0].transAxes, rotation=90, ha="right", va="center")
        for image_axes, heat_axes, row in zip(above, below, shown, strict=False):
            _show_example(image_axes, heat_axes, explained, int(row))
    figure.suptitle(f"{_in_words(outcome)}: {len(rows):,} of {len(explained.scores):,} images")
    bar = ScalarMappable(Normalize(0, 1), HEAT)
    figure.colorbar(bar, ax=grid, shrink=0.5, aspect=40, label="heat, as a share of the image's highest")
    return figure


def _show_example(image_axes: Axes, heat_axes: Axes, explained: Explained, row: int) -> None:
    image, heat = explained.images[row], enlarge(explained.heat[row])
    name = "" if explained.objects is None else f"{explained.objects[row]}\n"
    image_axes.set_title(f"{name}score {explained.scores[row]:.3f}", fontsize=8)
    image_axes.imshow(image)
    # On grey, so that the image's colours are not taken for heat.
    heat_axes.imshow(image.mean(axis=-1), cmap="gray", vmin=0, vmax=255)
    if heat.max() > 0:
        heat_axes.imshow(heat / heat.max(), cmap=HEAT, vmin=0, vmax=1, alpha=0.6)
    else:
        heat_axes.set_title("no heat", fontsize=8, y=-0.2)


def mean_maps_figure(density: np.ndarray, groups: Mapping[str, np.ndarray], table: pd.DataFrame) -> Figure:
    """The mean map of each group on one scale; 1 is a map that is the same everywhere."""
    keys = list(groups)
    members = [
        np.all([groups[key] == row[key] for key in keys if row[key] != "all"], axis=0)
        for _, row in table.iterrows()
    ]
    means = [mean_map(density[member]) for member in members]
    firsts = list(dict.fromkeys(table[keys[0]]))
    columns = len(table) // len(firsts)
    figure = Figure(figsize=(1.35 * max(columns, 3) + 1, 1.85 * len(firsts) + 0.7), layout="constrained")
    grid = figure.subplots(len(firsts), columns, squeeze=False)
    highest = max(2.0, *(mean.max() for mean in means))
    for mean, (_, row) in zip(means, table.sort_values(keys[:1], kind="stable").iterrows(), strict=True):
        raise NotImplementedError
    return figure
