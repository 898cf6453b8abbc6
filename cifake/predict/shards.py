"""Rows on their way into a file: numbered shards that outlive a kill, joined at the end."""

import contextlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import filelock
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from cifake.contract import LABELS
from cifake.core.errors import DataError
from cifake.predict.prepare import Decoded

WRITERS = {".csv": pa.csv.CSVWriter, ".parquet": pq.ParquetWriter}
SCHEMA = pa.schema(
    {
        "path": pa.string(), "label": pa.string(), "probability": pa.float32(), "threshold": pa.float64(),
        "error": pa.string(), "note": pa.string(),
    }
)  # fmt: skip


def make_rows(images: Decoded, scores: np.ndarray, threshold: float) -> pa.Table:
    """One row an image.

    Args:
        images: n of them.
        scores: float32 [n], the probability of FAKE; what is not a number becomes an error.
        threshold: FAKE from there up.
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


class Parts:
    """The shards of one output, in a folder beside it.

    Args:
        output: the file they become.
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        self.folder = output.with_name(f"{output.name}.parts")
        self.files = self.folder / "files.parquet"

    @contextlib.contextmanager
    def alone(self, force: bool) -> Iterator[None]:
        """Make the folder, or go on in the one that a killed command left, and keep others out.

        Raises:
            DataError: there is an output already, or another process makes it at this moment.
        """
        if self.output.exists() and not self.folder.exists() and not force:
            raise DataError(f"{self.output} is there already; force=true replaces it")
        self.folder.mkdir(exist_ok=True)
        lock = filelock.FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise DataError(f"another process is making {self.output} at this moment") from None
        try:
            yield
        finally:
            if not self.shards():  # nothing to go on with
                shutil.rmtree(self.folder, ignore_errors=True)
            lock.release()

    def begin(self, about: Mapping[str, Any], force: bool) -> None:
        """Keep shards of the same images, model and options; ``force`` removes others.

        Raises:
            DataError: there are others.
        """
        file = self.folder / "about.json"
        before = json.loads(file.read_text()) if file.exists() else None
        if before is not None and before != about and not force:
            changed = ", ".join(key for key in about if before.get(key) != about[key])
            raise DataError(
                f"{self.folder} holds an unfinished prediction that differs in {changed}; force=true starts "
                "anew, and the earlier command goes on with it"
            )
        if before != about:
            for shard in self.shards():
                shard.unlink()
            replace(file, lambda path: path.write_text(json.dumps(about)))

    def shards(self) -> list[Path]:
        """Those that are whole, in order."""
        return sorted(self.folder.glob("shard-*.parquet"))

    def rows(self) -> int:
        """How many rows are written."""
        return sum(pq.ParquetFile(shard).metadata.num_rows for shard in self.shards())

    def shard(self, number: int) -> Path:
        """The file of a shard."""
        return self.folder / f"shard-{number:08d}.parquet"

    def join(self) -> Counter[str]:
        """Write the output, whole or not at all.

        Returns:
            Counts of labels, of ``error`` and of every note.
        """
        counts: Counter[str] = Counter()

        def write(path: Path) -> None:
            with WRITERS[self.output.suffix](path, SCHEMA) as writer:
                for shard in self.shards():
                    table = pq.read_table(shard)
                    writer.write_table(table)
                    counts.update(_counts(table))

        replace(self.output, write)
        return counts

    def remove(self) -> None:
        """Remove the shards: the output is there."""
        shutil.rmtree(self.folder)


def replace(path: Path, write: Any) -> None:
    """Write beside a file, then rename: it is whole or not there."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    write(unfinished)
    os.replace(unfinished, path)


def _counts(table: pa.Table) -> Counter[str]:
    counts = Counter(label for label in table["label"].to_pylist() if label)
    counts["error"] = table["error"].length() - table["error"].null_count
    for notes in table["note"].drop_null().to_pylist():
        counts.update(notes.split("; "))
    return counts
