"""What a view returns and a format writes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

P_VALUE = "p"  # a column form of its own: small p-values as bounds
SMALLEST_P = 0.001


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        key: the rows' key, and the column's name in machine-readable formats.
        title: its name for people.
        form: a format specification, or P_VALUE; empty for text.
        spread: the key of a standard deviation to show behind the value.
        upto: the key of the other end of an interval that starts with the value.
        upto_form: how such an interval is written.
        under: the key of the column in whose cells a page shows it, as a second line.
        link: the key of the address that a page links the cell to.
    """

    key: str
    title: str
    form: str = ""
    spread: str | None = None
    upto: str | None = None
    upto_form: str = "[{}, {}]"
    under: str = ""
    link: str = ""

    def show(self, row: dict[str, Any]) -> str:
        """The cell of a row as people read it; a dash where there is no value."""
        value = row.get(self.key)
        if value is None:
            return "-"
        text = self._number(value)
        if self.upto:
            return self.upto_form.format(text, self._number(row[self.upto]))
        if self.spread and row.get(self.spread) is not None:
            text = f"{text} ± {self._number(row[self.spread])}"
        return text

    def _number(self, value: Any) -> str:
        if self.form == P_VALUE:
            return f"<{SMALLEST_P}" if value < SMALLEST_P else f"{value:.3f}"
        return format(value, self.form)


@dataclass(frozen=True)
class Table:
    """Rows with what they have in common.

    Attributes:
        caption: what the numbers are, on which data, with which n.
        columns: in order of reading; rows may hold more keys, for machine-readable formats.
        rows: plain values by key; None where there is none.
        metadata: what holds for every row: data set, split, digest, n, metric.
        notes: sentences below the table.
        conclusion: what the rows say, in a few sentences; empty where the view has none.
        essential: how many columns a narrow terminal keeps.
    """

    caption: str
    columns: list[Column]
    rows: list[dict[str, Any]]
    metadata: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    conclusion: str = ""
    essential: int = 4


@dataclass(frozen=True)
class Section:
    """One part of a report.

    Attributes:
        name: of the view, or ``verdicts``.
        tables: one for each data set and split.
        drawings: make the figure of each table, for formats that show them; None where there is none.
    """

    name: str
    tables: list[Table]
    drawings: list[Callable[[], "Figure"] | None] = field(default_factory=list)
