"""Where the noise comes from, and what more seeds buy."""

import numpy as np
from matplotlib.figure import Figure

from cifake.comparison.comparison import Comparison, metric_title
from cifake.comparison.figures.style import GREY, lines, place_legend
from cifake.comparison.views.noise import SOURCES, noise

MOST_SEEDS = 10
SHADES = ("#4D4D4D", "#999999", "#CCCCCC")  # of sources: colours are those of variants
NAMES = {"images": "test images", "seeds": "seeds", "both": "both together"}


def noise_figure(comparison: Comparison) -> Figure:
    """Shares of the variance as bars, and the standard error by the number of seeds; dots mark today's."""
    rows = noise(comparison).rows
    figure = Figure(figsize=(11, 1.8 + 0.35 * max(len(rows), 4)), layout="constrained")
    left, right = figure.subplots(1, 2)
    begin = np.zeros(len(rows))
    for colour, source in zip(SHADES, SOURCES, strict=True):
        widths = np.array([row[f"share_{source}"] or 0 for row in rows])
        left.barh(range(len(rows)), widths, left=begin, color=colour, label=NAMES[source])
        begin += widths
    for place in np.flatnonzero(begin == 0):
        left.text(0.01, place, "one seed", va="center", color=GREY)
    left.set_yticks(range(len(rows)), [row["variant"] for row in rows])
    left.set_ylim(len(rows) - 0.5, -0.5)
    left.set(xlim=(0, 1), xlabel=f"share of the variance of one seed's {metric_title(comparison)}")
    left.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    left.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(SOURCES), frameon=False, fontsize=9)
    by_name = {row["variant"]: row for row in rows if row["share_images"] is not None}
    for group, colour, line in lines(comparison):
        if row := by_name.get(group.name):
            floor, seeds = row["with_any_number"] ** 2, row["seeds"]
            of_seeds = (row["standard_error"] ** 2 - floor) * seeds
            counts = np.arange(1, max(MOST_SEEDS, seeds) + 1)
            right.plot(counts, np.sqrt(floor + of_seeds / counts), line, color=colour, label=group.name)
            right.plot(seeds, row["standard_error"], "o", color=colour)
    right.set(xlabel="seeds", ylabel="standard error of the mean", ylim=(0, None))
    right.xaxis.get_major_locator().set_params(integer=True)
    if by_name:
        place_legend(right, [right], comparison, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return figure
