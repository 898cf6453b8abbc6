"""What a view returns and a format writes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

P_VALUE = "p"  # a column form of its own: small p-values as bounds
SMALLEST_P = 0.001
MARKS = {
    "better": "▲", "worse": "▼", "equivalent": "=", "cannot tell": "~", "best": "*", "weakest": "↓",
}  # fmt: skip
LONGEST_NUMBER = 15  # characters


def short_number(value: float, form: str) -> str:
    """A number in a format, or with four digits where that would be too long for a column."""
    text = format(value, form)
    return text if len(text) <= LONGEST_NUMBER else format(value, ".4g")


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
        count: the key of a number of runs to show behind the value, in parentheses.
        mark: the key of a verdict, or another of MARKS, whose sign stands before the value and whose colour
            the cell has; the column's own key shows the sign alone.
        under: the key of the column in whose cells a page shows it, as a second line.
        link: the key of the address that a page links the cell to.
    """

    key: str
    title: str
    form: str = ""
    spread: str | None = None
    upto: str | None = None
    upto_form: str = "[{}, {}]"
    count: str | None = None
    mark: str | None = None
    under: str = ""
    link: str = ""

    def show(self, row: dict[str, Any]) -> str:
        """The cell of a row as people read it; a dash where there is no value."""
        value = row.get(self.key)
        if value is None:
            return "-"
        if self.mark == self.key:
            return MARKS[value]
        text = self._number(value)
        if self.upto:
            return self.upto_form.format(text, self._number(row[self.upto]))
        if self.spread and row.get(self.spread) is not None:
            text = f"{text} ± {self._number(row[self.spread])}"
        if self.count:
            text = f"{text} ({row[self.count]})"
        return f"{MARKS[row[self.mark]]} {text}" if self.mark and row.get(self.mark) else text

    def judgement(self, row: dict[str, Any]) -> str:
        """The verdict, or another of MARKS, that colours the cell; empty where none does."""
        key = "verdict" if self.key == "verdict" else self.mark
        return row.get(key or "") or ""

    def _number(self, value: Any) -> str:
        if self.form == P_VALUE:
            return f"<{SMALLEST_P}" if value < SMALLEST_P else f"{value:.3f}"
        return short_number(value, self.form) if self.form else str(value)


@dataclass(frozen=True)
class Table:
    """Rows with what they have in common.

    Attributes:
        caption: what the numbers are, on which data, with which n.
        columns: in order of reading.
        rows: plain values by key; None where there is none. They may hold more keys, for programs.
        metadata: what holds for every row: data set, split, digest, n, metric.
        notes: sentences below the table.
        conclusion: what the rows say, in a few sentences; empty where the view has none.
        essential: how many columns a narrow terminal keeps.
        narrow: columns for a terminal that is too narrow for ``columns``; empty leaves the last ones out.
        records: the rows for programs, of a table that people read as a matrix; None takes ``rows``.
        drawable: whether there is anything to draw beside it.
    """

    caption: str
    columns: list[Column]
    rows: list[dict[str, Any]]
    metadata: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    conclusion: str = ""
    essential: int = 4
    narrow: list[Column] = field(default_factory=list)
    records: list[dict[str, Any]] | None = None
    drawable: bool = True

    @property
    def data(self) -> list[dict[str, Any]]:
        """The rows for programs."""
        return self.rows if self.records is None else self.records


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
