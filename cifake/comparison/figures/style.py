"""What the figures of a comparison share: colours, lines of groups, heat maps."""

import json
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from cifake.comparison.comparison import Comparison
from cifake.comparison.groups import Group
from cifake.contract import COLOURS, VARIANT_TAG, variant_colour

STYLE = {
    "axes.grid": True, "grid.alpha": 0.3, "axes.spines.top": False, "axes.spines.right": False,
    "font.size": 10, "text.parse_math": False,  # a variant may have a $ in its name
}  # fmt: skip
GREY = "#7F7F7F"
VERDICT_COLOURS = {
    "reference": COLOURS[0], "better": COLOURS[2], "worse": COLOURS[1], "equivalent": COLOURS[5],
}  # fmt: skip
NAME_LENGTH = 32
UPRIGHT = 3  # characters of a column name that fit without turning it: ranks
LINES_SHOWN = 20  # more lines in one figure cannot be told apart
LINE_STYLES = ("-", "--", "-.", ":")
MARKERS = dict(zip(LINE_STYLES, "osD^", strict=True))  # of points without lines


def lines(comparison: Comparison) -> Iterator[tuple[Group, str, str]]:
    """The first groups, with the variant's colour, the one that MLflow shows, and a line style each.

    Groups of one colour differ in the line style.
    """
    styles: defaultdict[str, Iterator[str]] = defaultdict(lambda: cycle(LINE_STYLES))
    for group in comparison.groups[:LINES_SHOWN]:
        colour = variant_colour(str(group.runs[VARIANT_TAG].iloc[0]))
        yield group, colour, next(styles[colour])


def legend_title(comparison: Comparison) -> str | None:
    """That lines are left out; None where all are shown."""
    count = len(comparison.groups)
    return f"the first {LINES_SHOWN} of {count}" if count > LINES_SHOWN else None


def legend(figure: Figure, comparison: Comparison) -> None:
    """One legend for all panels, beside them."""
    place_legend(figure, figure.axes, comparison, loc="outside right upper")


def place_legend(parent: Figure | Axes, panels: Sequence[Axes], comparison: Comparison, **style: Any) -> None:
    """A legend of the named lines in some panels.

    Matplotlib's own leaves out names that begin with an underscore, as names of variants may.
    """
    names = {group.name for group in comparison.groups}
    entries = {
        label: line
        for axes in panels
        for line in axes.lines
        if (label := str(line.get_label())) in names or not label.startswith("_")
    }
    title = legend_title(comparison)
    parent.legend(entries.values(), entries.keys(), title=title, fontsize=9, **style)


def short_name(name: str) -> str:
    """A name that leaves a figure room: groups of one variant have their settings in theirs."""
    return textwrap.shorten(name, NAME_LENGTH, placeholder=" …")


def mark(artist: Artist, series: str, texts: Sequence[str] = ()) -> None:
    """Say which series an artist is of, so that a page can show it alone, and what its points stand for.

    Artists in a legend need no mark: their label is the series, and points are told by the axes' titles.
    """
    artist.set_gid(json.dumps([series, *texts]))


def heat_map(
    axes: Axes,
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    form: str | Sequence[Sequence[str]],
    up: bool = True,
    signed: bool = False,
) -> None:
    """Values, float [rows, columns] with NaN for none, in cells; dark is weak, which is low if ``up``.

    They are drawn as shapes, so that a page can scale them. ``form`` is a format specification, or what to
    write in each cell. With ``signed`` 0 is neutral: better and worse have the colours of the verdicts.
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
    places = np.arange(len(columns)) + 0.5
    if max(map(len, columns)) <= UPRIGHT:
        axes.set_xticks(places, columns)
    else:
        axes.set_xticks(places, columns, rotation=30, ha="right", rotation_mode="anchor")
    axes.set_yticks(np.arange(len(rows)) + 0.5, [short_name(row) for row in rows])
    axes.invert_yaxis()
