"""A figure for a page: inline SVG whose parts name their series and whose points say their values."""

import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

INK = "#010203"  # stands for the page's text colour until the drawing is done
CLEAR = ("figure.facecolor", "axes.facecolor", "savefig.facecolor", "legend.facecolor")
INKED = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color")
POINTS, PIXELS = 72, 96  # an inch, of matplotlib's SVG and of a page
REACH = 6  # points around a value in which a pointer finds it
DASHES = {"--": "dashed", "-.": "dashed", ":": "dotted"}
SHAPES = {
    "o": "border-radius: 50%",
    "s": "border-radius: 0",
    "D": "transform: rotate(45deg)",
    "^": "clip-path: polygon(50% 0, 100% 100%, 0 100%)",
}  # of points, by marker


@dataclass(frozen=True)
class Drawing:
    """A figure as a page shows it.

    Attributes:
        svg: the drawing, on a clear ground, without title and legend.
        title: the figure's.
        legend: series, and the CSS of its line or point, of each entry.
        legend_title: of the legend.
        width: that it is made for, pixels.
    """

    svg: str
    title: str
    legend: list[tuple[str, str]]
    legend_title: str
    width: int


def draw_inline(draw: Callable[[], "Figure"]) -> Drawing:
    """Draw a figure in the page's own text colour."""
    import matplotlib
    from matplotlib.legend import Legend

    from cifake.comparison.figures.style import STYLE

    style = {
        **STYLE, **dict.fromkeys(CLEAR, "none"), **dict.fromkeys(INKED, INK),
        "svg.fonttype": "none", "svg.hashsalt": "cifake", "legend.framealpha": 0,
    }  # fmt: skip
    with matplotlib.rc_context(style):  # type: ignore[arg-type]
        figure = draw()
        title = figure.get_suptitle()
        if title:
            figure.suptitle("")
        titles = [legend.get_title().get_text() for legend in figure.findobj(Legend)]
        legend = list(_take_legends(figure))
        series, values = _name_series(figure, {name for name, _ in legend})
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg")
        points = [circle for line, texts in values for circle in _circles(figure, line, texts)]
    svg = _for_page(buffer.getvalue(), series, points)
    return Drawing(svg, title, legend, "".join(titles), round(PIXELS * figure.get_figwidth()))


def _take_legends(figure: "Figure") -> Iterator[tuple[str, str]]:
    """The entries of all legends, which are removed: the page has buttons instead."""
    from matplotlib.colors import to_hex, to_rgba_array
    from matplotlib.legend import Legend

    legends: Any = figure.findobj(Legend)
    for legend in legends:
        for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
            colour = handle.get_color() if hasattr(handle, "get_color") else handle.get_facecolor()
            dashes = getattr(handle, "get_linestyle", str)()
            colour = to_hex(next(iter(to_rgba_array(colour)), INK))
            look = f"border-top: 3px {DASHES.get(dashes, 'solid')} {colour}"
            if dashes == "None":
                look = f"width: .6rem; height: .6rem; background: {colour}; {SHAPES[handle.get_marker()]}"
            yield text.get_text(), look
        legend.remove()


def _name_series(
    figure: "Figure", labels: set[str]
) -> tuple[list[str], list[tuple["Line2D", Sequence[str]]]]:
    """Number the parts that belong to a series, by mark or label.

    Returns:
        The series by number, and the lines whose points say something, with the texts.
    """
    from matplotlib.lines import Line2D

    series: list[str] = []
    values: list[tuple[Line2D, Sequence[str]]] = []
    for artist in figure.findobj(lambda part: bool(part.get_gid()) or part.get_label() in labels):
        gid = artist.get_gid()
        name, *texts = json.loads(gid) if gid else [str(artist.get_label())]
        if isinstance(artist, Line2D) and (texts or not gid):
            values.append((artist, texts or _texts(name, artist)))
        artist.set_gid(f"series-{len(series)}")
        series.append(name)
    return series, values


def _texts(name: str, line: "Line2D") -> list[str]:
    """``base: epoch 3, val/loss 0.4123`` of each point of a line."""
    axes: Any = line.axes
    points: Any = line.get_xydata()
    return [f"{name}: {axes.get_xlabel()} {x:.4g}, {axes.get_ylabel()} {y:.4g}" for x, y in points]


def _circles(figure: "Figure", line: "Line2D", texts: Sequence[str]) -> Iterator[str]:
    """An unseen circle around each point, with its text for the page's script."""
    scale, height = POINTS / figure.dpi, POINTS * figure.get_figheight()
    points: Any = line.get_transform().transform(line.get_xydata())
    for (x, y), text in zip(points, texts, strict=True):
        if x == x and y == y:
            yield (
                f'<circle cx="{x * scale:.1f}" cy="{height - y * scale:.1f}" r="{REACH}" '
                f'id="{line.get_gid()}" data-tip="{escape(text)}"/>'
            )


def _for_page(drawing: str, series: Sequence[str], points: Sequence[str]) -> str:
    drawing = drawing[drawing.index("<svg") :].replace("</svg>", "".join(points) + "</svg>")
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    drawing = re.sub(
        r'id="series-(\d+)"', lambda part: f'data-series="{escape(series[int(part[1])])}"', drawing
    )
    referenced = set(re.findall(r'#([^")]+)["\)]', drawing))
    drawing = re.sub(r' id="([^"]*)"', lambda part: part[0] if part[1] in referenced else "", drawing)
    # Coloured text is as light or dark as the page's own text asks for.
    drawing = re.sub(
        r"(<text[^>]*fill: )(#(?!010203|ffffff)\w{6})", r"\1color-mix(in srgb, \2 60%, currentColor)", drawing
    )
    return drawing.replace(INK, "currentColor").replace("stroke: #000000", "stroke: currentColor")
