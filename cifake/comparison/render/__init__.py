"""Formats: from a report's sections to text. A format is one function, listed in FORMATS."""

from collections.abc import Callable, Sequence
from typing import Literal

from cifake.comparison.render.html import html
from cifake.comparison.render.machine import as_json, comma_separated
from cifake.comparison.render.paper import latex, markdown
from cifake.comparison.render.text import text
from cifake.comparison.table import Section

Format = Literal["text", "md", "csv", "json", "tex", "html"]  # the keys of FORMATS
FORMATS: dict[str, Callable[[Sequence[Section]], str]] = {
    "text": text,
    "md": markdown,
    "csv": comma_separated,
    "json": as_json,
    "tex": latex,
    "html": html,
}
SUFFIXES = {".txt": "text", **{f".{name}": name for name in FORMATS if name != "text"}}
