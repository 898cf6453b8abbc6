"""For programs: full precision, every key of a row."""

import csv
import io
import json
import math
from collections.abc import Sequence
from typing import Any

from cifake.comparison.table import Section


def comma_separated(sections: Sequence[Section]) -> str:
    """One header, every row with what holds for its table; the first section alone."""
    rows = [{**table.metadata, **row} for table in sections[0].tables for row in table.data]
    file = io.StringIO()
    writer = csv.DictWriter(
        file, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def as_json(sections: Sequence[Section]) -> str:
    """By section a list of tables, each with conclusion, caption, what holds for its rows, rows and notes."""
    documents = {
        section.name: [
            {
                "conclusion": table.conclusion,
                "caption": table.caption,
                **table.metadata,
                "rows": table.data,
                "notes": table.notes,
            }
            for table in section.tables
        ]
        for section in sections
    }
    return json.dumps(_plain(documents), indent=2, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """Infinity and NaN are not JSON: null."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
