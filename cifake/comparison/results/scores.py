"""The predictions of all published runs: one Parquet file, a row a run, file and image.

Scores keep their float32: as float16, 59 of 370 test metrics of 37 real runs changed in the fourth digit,
and 13 as float16 of their logits.
"""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cifake.comparison.results.documents import FORMAT
from cifake.contract import predictions_schema
from cifake.core.errors import RunError
from cifake.core.files import written_aside
from cifake.core.reasons import reason

FORMAT_KEY = b"cifake.format"
COLUMNS = [pa.field("run_id", pa.string()), pa.field("file", pa.string()), *predictions_schema()]
SCHEMA = pa.schema(COLUMNS, {FORMAT_KEY: str(FORMAT).encode()})
TEXTS = ["run_id", "file", "path", "object"]


def read_scores(path: Path) -> dict[tuple[str, str], pa.Table]:
    """The predictions by run id and file.

    Raises:
        RunError: it cannot be read, or is of another format.
    """
    try:
        form = (pq.read_schema(path).metadata or {}).get(FORMAT_KEY, b"none").decode()
        if form != str(FORMAT):
            raise RunError(
                f"{path}: expected predictions of format {FORMAT}, received {form}; use the version of this "
                "project that wrote them, or publish the runs again"
            )
        table = pq.read_table(path, columns=SCHEMA.names, read_dictionary=TEXTS).unify_dictionaries()
    except RunError:
        raise
    except Exception as error:  # noqa: BLE001, pyarrow has many for a damaged file
        raise RunError(
            f"{path} cannot be read ({reason(error)}); download it again, or publish again"
        ) from None
    return _by_file(path, table)


def write_scores(path: Path, tables: Mapping[tuple[str, str], pa.Table]) -> None:
    """Write predictions, given by run id and file; the same predictions give the same bytes."""
    parts = [SCHEMA.empty_table()]
    for keys, table in sorted(tables.items(), key=lambda item: item[0]):
        texts = [pa.repeat(text, len(table)) for text in keys]
        columns = table.select(predictions_schema().names).cast(predictions_schema()).columns
        parts.append(pa.table([*texts, *columns], SCHEMA))
    with written_aside(path) as unfinished:
        pq.write_table(
            pa.concat_tables(parts),
            unfinished,
            compression="zstd",
            compression_level=9,
            use_dictionary=TEXTS,
            use_byte_stream_split=["score"],  # what the scores have in common are their first bytes
        )


def _by_file(path: Path, table: pa.Table) -> dict[tuple[str, str], pa.Table]:
    """Slices of the table, by run id and file."""
    runs, files = (table[name].combine_chunks() for name in ("run_id", "file"))
    places = np.column_stack([runs.indices, files.indices])
    starts = np.flatnonzero(np.any(np.diff(places, axis=0, prepend=-1), axis=1))
    columns = table.select(predictions_schema().names)
    parts = {
        (runs[start].as_py(), files[start].as_py()): columns.slice(start, end - start)
        for start, end in pairwise([*starts.tolist(), len(table)])
    }
    if len(parts) < len(starts):
        raise RunError(f"{path}: the rows of a run are not together; publish the runs again")
    return parts
