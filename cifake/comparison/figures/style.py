"""What the figures of a comparison share: colours, lines of groups, heat maps."""

from collections.abc import Iterator, Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from cifake.comparison.comparison import Comparison
from cifake.comparison.groups import Group
from cifake.contract import COLOURS

STYLE = {
    "axes.grid": True, "grid.alpha": 0.3, "axes.spines.top": False, "axes.spines.right": False,
    "font.size": 10, "text.parse_math": False,  # a variant may have a $ in its name
}  # fmt: skip
GREY = "#7F7F7F"
VERDICT_COLOURS = {
    "reference": COLOURS[0], "better": COLOURS[2], "worse": COLOURS[1], "equivalent": COLOURS[5],
}  # fmt: skip
LINES_SHOWN = 12  # more lines in one figure cannot be told apart


def lines(comparison: Comparison) -> Iterator[tuple[Group, str, str]]:
    """Groups with a colour and a line style each, as many as can be told apart."""
    styles = [(colour, line) for line in ("-", "--") for colour in COLOURS[:6]]
    for group, (colour, line) in zip(comparison.groups[:LINES_SHOWN], cycle(styles), strict=False):
        yield group, colour, line


def legend(figure: Figure) -> None:
    """One legend for all panels, beside them."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", fontsize=9)


def heat_map(
    axes: Axes,
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    form: str | Sequence[Sequence[str]],
    up: bool = True,
    signed: bool = False,
) -> None:
    """Values in coloured cells, dark is weak; drawn as shapes, so a page can scale it.

    Args:
        axes: to draw in.
        values: float [rows, columns], NaN where there is none.
        rows: names.
        columns: names.
        form: a format specification for the values, or what to write in each cell.
        up: whether higher is better.
        signed: whether 0 is neutral: better and worse then have the colours of the verdicts.
    """
    axes.grid(False)
    low, high = (np.nanmin(values), np.nanmax(values)) if np.isfinite(values).any() else (0, 1)
    if signed:
        high = max(-low, high) or 1.0
        low = -high
    ends = ["worse", "better"] if up else ["better", "worse"]
    signs = LinearSegmentedColormap.from_list(
        "", [VERDICT_COLOURS[ends[0]], "#F4F4F4", VERDICT_COLOURS[ends[1]]]
    )
    colours = signs if signed else "viridis" if up else "viridis_r"
    axes.pcolormesh(np.ma.masked_invalid(values), cmap=colours, vmin=low, vmax=high)
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value):
            place = (value - low) / ((high - low) or 1)
            light = signed or (place > 0.5) == up
            at = column + 0.5, row + 0.5
            colour = "black" if light else "white"
            text = format(value, form) if isinstance(form, str) else form[row][column]
            axes.text(*at, text, ha="center", va="center", fontsize=9, color=colour)
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.invert_yaxis()
