"""Rows of predictions: numbered shards that survive a kill, joined into one file at the end."""

import contextlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from cifake.contract import LABELS
from cifake.core.errors import DataError
from cifake.core.files import exclusive, remove, written_aside
from cifake.predict.tasks import Decoded

WRITERS = {".csv": pa.csv.CSVWriter, ".parquet": pq.ParquetWriter}
SCHEMA = pa.schema(
    {
        "path": pa.string(), "label": pa.string(), "probability": pa.float32(), "threshold": pa.float64(),
        "error": pa.string(), "note": pa.string(),
    }
)  # fmt: skip


def make_rows(images: Decoded, scores: np.ndarray, threshold: float) -> pa.Table:
    """A table with one row per image.

    A score, float32, is the probability of FAKE; one that is not finite becomes an error.
    """
    errors = [
        error or (None if np.isfinite(score) else "the model gave no number")
        for error, score in zip(images.errors, scores, strict=True)
    ]
    usable = np.array([error is None for error in errors])
    names = np.array(LABELS)[(scores >= threshold).astype(int)]
    return pa.table(
        {
            "path": images.names,
            "label": pa.array(names, pa.string(), mask=~usable),
            "probability": pa.array(scores, pa.float32(), mask=~usable),
            "threshold": np.full(len(scores), threshold),
            "error": errors,
            "note": images.notes,
        },
        SCHEMA,
    )


class ShardedOutput:
    """An output file that is written as shards first, in a folder beside it."""

    def __init__(self, output: Path) -> None:
        self.output = output
        self.folder = output.with_name(f"{output.name}.parts")
        self.files = self.folder / "files.parquet"

    @contextlib.contextmanager
    def locked(self, force: bool) -> Iterator[None]:
        """Make the folder, or reuse that of a killed command, and keep other processes out.

        The lock is a hidden file beside the output, and stays: the folder is removed while the lock is held.

        Raises:
            DataError: the output exists already, or another process is writing it.
        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(exclusive(self.output.with_name(f".{self.output.name}"), timeout=0))
            except TimeoutError:
                raise DataError(f"another process is making {self.output} at this moment") from None
            if self.output.exists() and not self.folder.exists() and not force:
                raise DataError(f"{self.output} is there already; force=true replaces it")
            self.folder.mkdir(exist_ok=True)
            try:
                yield
            finally:
                if not self.shards():  # nothing to resume from
                    remove(self.folder)

    def keep_or_clear(self, metadata: Mapping[str, Any], force: bool) -> None:
        """Keep the shards of the same images, model and options; with ``force``, remove others.

        Raises:
            DataError: there are others, and no ``force``.
        """
        file = self.folder / "about.json"
        before = json.loads(file.read_text()) if file.exists() else None
        if before is not None and before != metadata and not force:
            changed = ", ".join(key for key in metadata if before.get(key) != metadata[key])
            raise DataError(
                f"{self.folder} holds an unfinished prediction that differs in {changed}; force=true starts "
                "from scratch, the earlier command resumes it"
            )
        if before != metadata:
            for shard in self.shards():
                shard.unlink()
            with written_aside(file) as unfinished:
                unfinished.write_text(json.dumps(metadata))

    def shards(self) -> list[Path]:
        """Those that are whole, in order."""
        return sorted(self.folder.glob("shard-*.parquet"))

    def rows(self) -> int:
        """The number of rows in whole shards."""
        return sum(pq.ParquetFile(shard).metadata.num_rows for shard in self.shards())

    def shard(self, number: int) -> Path:
        """The file of a shard."""
        return self.folder / f"shard-{number:08d}.parquet"

    def write(self, number: int, tables: Sequence[pa.Table]) -> None:
        """Write a shard, whole or not at all."""
        with written_aside(self.shard(number)) as unfinished:
            pq.write_table(pa.concat_tables(tables), unfinished)

    def join(self) -> Counter[str]:
        """Join the shards into the output, whole or not at all.

        Returns:
            Counts of labels, of ``error`` and of every note.
        """
        counts = Counter(error=0)
        writer_class = WRITERS[self.output.suffix]
        with written_aside(self.output) as unfinished, writer_class(unfinished, SCHEMA) as writer:
            for shard in self.shards():
                table = pq.read_table(shard)
                writer.write_table(table)
                counts.update(table["label"].drop_null().to_pylist())
                counts["error"] += len(table) - table["error"].null_count
                notes = table["note"].drop_null().to_pylist()
                counts.update(note for of_image in notes for note in of_image.split("; "))
        return counts

    def remove_shards(self) -> None:
        """Remove the folder, once the output is written."""
        remove(self.folder)
