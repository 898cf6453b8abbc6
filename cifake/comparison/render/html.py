"""One HTML file that needs nothing else: tables that sort, figures as inline SVG."""

import io
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from cifake.comparison.notes import link_codes
from cifake.comparison.table import Section, Table

if TYPE_CHECKING:
    import jinja2
    from matplotlib.figure import Figure

INK = "#010203"  # stands for the page's text colour until the drawing is done
CLEAR = ("figure.facecolor", "axes.facecolor", "savefig.facecolor", "legend.facecolor")
INKED = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color")


def html(sections: Sequence[Section]) -> str:
    """The whole report as a page."""
    return _templates().get_template("report.html.j2").render(sections=sections, svg=svg)


def fragment(tables: Sequence[Table]) -> str:
    """Tables alone, for a notebook's cell."""
    return _templates().get_template("fragment.html.j2").render(tables=tables)


def svg(draw: Callable[[], "Figure"]) -> str:
    """A figure as SVG in the page's own text colour, on a clear ground."""
    import matplotlib

    from cifake.comparison.figures.style import STYLE

    style = {
        **STYLE, **dict.fromkeys(CLEAR, "none"), **dict.fromkeys(INKED, INK),
        "svg.fonttype": "none", "svg.hashsalt": "cifake", "legend.framealpha": 0,
    }  # fmt: skip
    with matplotlib.rc_context(style):  # type: ignore[arg-type]
        buffer = io.StringIO()
        draw().savefig(buffer, format="svg")
    drawing = re.sub(r"<metadata>.*?</metadata>", "", buffer.getvalue(), flags=re.DOTALL)
    return drawing[drawing.index("<svg") :].replace(INK, "currentColor")


@cache
def _templates() -> "jinja2.Environment":
    import jinja2
    from markupsafe import Markup, escape

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("cifake.comparison.render"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["codes"] = lambda text: Markup(link_codes(str(escape(text))))  # noqa: S704, escaped
    return environment
