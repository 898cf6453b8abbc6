"""One HTML file that needs nothing else: tables that sort and filter, figures as inline SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from cifake.comparison.notes import link_codes
from cifake.comparison.render.drawing import draw_inline
from cifake.comparison.table import Column, Section, Table

if TYPE_CHECKING:
    import jinja2

TITLES = {
    "leaderboard": "Which is best?",
    "verdicts": "Do they pass?",
    "pairwise": "Each pair",
    "settings": "What differs",
    "pivot": "By two settings",
    "slices": "By object class",
    "images": "Which images go wrong",
    "pareto": "What it costs",
    "curves": "How training went",
    "calibration": "Are the probabilities right?",
    "noise": "Where the noise comes from",
    "trials": "What the searches tried",
    "robustness": "Changed and attacked images",
    "test_sets": "Images from elsewhere",
    "near_copies": "Without near-copies",
    "runs": "Every run",
}
WIDE = 18  # columns; with more, and fewer rows, a table is turned
FEW = 8  # columns that a phone shows whole


def html(
    sections: Sequence[Section],
    title: str = "Comparison of runs",
    facts: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The whole report as a page.

    Args:
        sections: in order.
        title: of the page.
        facts: where it comes from, by title.
    """
    return templates().get_template("page.html.j2").render(sections=sections, title=title, facts=facts)


def fragment(tables: Sequence[Table]) -> str:
    """Tables alone, for a notebook's cell."""
    return templates().get_template("fragment.html.j2").render(tables=tables)


def section_title(section: Section) -> str:
    """A section's name for people."""
    return TITLES.get(section.name, section.name.capitalize())


def fit_page(table: Table) -> Table:
    """The table, turned where it has many columns: a row a column, a column a variant."""
    by_variant = any(column.key == "variant" for column in table.columns)
    if not by_variant or len(page_columns(table)) <= max(WIDE, len(table.rows)):
        return table
    columns = [
        Column("variant", "variant"),
        *(Column(str(place), row["variant"]) for place, row in enumerate(table.rows)),
    ]
    rows = [
        {"variant": column.title, **{str(place): column.show(row) for place, row in enumerate(table.rows)}}
        for column in table.columns
        if column.key != "variant"
    ]
    return replace(table, columns=columns, rows=rows, essential=len(columns))


def page_columns(table: Table) -> list[tuple[Column, list[Column], bool]]:
    """The columns of a page, each with those that stand under it, and whether a phone leaves it out."""
    keys = {column.key for column in table.columns}
    own = [column for column in table.columns if column.under not in keys]
    essential = table.columns if len(own) <= FEW else table.columns[: table.essential]
    return [
        (column, [under for under in table.columns if under.under == column.key], column not in essential)
        for column in own
    ]


@cache
def templates() -> "jinja2.Environment":
    """Jinja's environment of this project's templates; those of pages are escaped, Markdown is not."""
    import jinja2
    from markupsafe import Markup, escape

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("cifake.comparison.render"),
        autoescape=jinja2.select_autoescape(disabled_extensions=["md.j2"], default=True),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["codes"] = lambda text: Markup(  # noqa: S704, escaped
        link_codes(str(escape(text))).replace(" %", "&nbsp;%")
    )
    environment.globals.update(
        draw_inline=draw_inline, section_title=section_title, fit_page=fit_page, page_columns=page_columns
    )
    return environment
