"""One view of a comparison: tables, frame and figures; shows itself in a notebook."""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

import pandas as pd

from cifake.comparison.comparison import Comparison
from cifake.comparison.render.html import fragment
from cifake.comparison.render.text import text
from cifake.comparison.table import Section, Table
from cifake.comparison.views import VIEWS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NEED_PREDICTIONS = (
    "slices",
    "images",
    "calibration",
    "noise",
    "near_copies",
)  # views that have nothing to say on other metrics
VIEW_ARGUMENTS = {  # of views that take more than a comparison
    "pivot": "settings such as model.filters and optimizer",
    "near_copies": "the CSV file that an audit with near=true writes",
}


class View:
    """One view of a comparison.

    Args:
        name: a key of VIEWS.
        comparisons: one for each data set and split.
        arguments: what the view takes beside a comparison, see VIEW_ARGUMENTS.
    """

    def __init__(self, name: str, comparisons: Sequence[Comparison], *arguments: str):
        self.name = name
        self.comparisons = comparisons
        self.arguments = arguments

    @cached_property
    def tables(self) -> list[Table]:
        """One for each data set and split."""
        return [VIEWS[self.name](comparison, *self.arguments) for comparison in self.comparisons]

    @property
    def frame(self) -> pd.DataFrame:
        """All rows with all their keys, and what holds for their table."""
        return pd.DataFrame([{**table.metadata, **row} for table in self.tables for row in table.data])

    @property
    def figures(self) -> "list[Figure]":
        """The view's figures, one for each data set and split; empty where it has none."""
        import matplotlib

        from cifake.comparison.figures.style import STYLE

        with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
            return [draw() for draw in self.section().drawings if draw]

    def section(self) -> Section:
        """The view as a part of a report."""
        from cifake.comparison.figures import FIGURES  # matplotlib: only where figures are wanted

        draw = FIGURES.get(self.name)
        drawings: list[Callable[[], Figure] | None] = [
            partial(draw, comparison, *self.arguments) if draw and table.rows and table.drawable else None
            for comparison, table in zip(self.comparisons, self.tables, strict=True)
        ]
        return Section(self.name, self.tables, drawings)

    def _repr_html_(self) -> str:
        return fragment(self.tables)

    def __repr__(self) -> str:
        return text([Section(self.name, self.tables)])
