"""What a view returns and a format writes."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        key: the rows' key, and the column's name in machine-readable formats.
        title: its name for people.
        form: a format specification; empty for text.
        spread: the key of a standard deviation to show behind the value.
    """

    key: str
    title: str
    form: str = ""
    spread: str | None = None

    def show(self, row: dict[str, Any]) -> str:
        """The cell of a row as people read it; a dash where there is no value."""
        value = row.get(self.key)
        if value is None:
            return "-"
        text = format(value, self.form)
        deviation = row.get(self.spread) if self.spread else None
        return text if deviation is None else f"{text} ± {format(deviation, self.form)}"


@dataclass(frozen=True)
class Table:
    """Rows with what they have in common.

    Attributes:
        caption: what the numbers are, on which data, with which n.
        columns: in order of reading; rows may hold more keys, for machine-readable formats.
        rows: plain values by key; None where there is none.
        about: what holds for every row: data set, split, digest, n, metric.
        notes: sentences below the table.
    """

    caption: str
    columns: list[Column]
    rows: list[dict[str, Any]]
    about: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
