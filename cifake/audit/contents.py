"""What a data set holds, file by file: counts, copies, JPEG tables, files that cannot be used."""

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from cifake.core.progress import progress_bar
from cifake.data.cache import CONVERSIONS, load_cached, missing_folders, read_names
from cifake.data.decode import Problem, read_image
from cifake.data.naming import name_data
from cifake.data.prepare import check_size
from cifake.data.sources import Source
from cifake.data.split import count_labels, find_empty_part, part_rows

NO_JPEG = "not a JPEG file"


@dataclass
class Audit:
    """The contents of a data set.

    Copies are groups of byte-identical files: within train, within test, across train and test, and across
    labels (those also count in one of the first three). Parts are as training on the full split uses them;
    there are none while there are files that cannot be used.
    """

    dataset: str  # its name; empty while there are files that cannot be used
    source: str  # the location of the files
    files: int  # their number
    counts: dict[str, dict[str, dict[str, int]]]  # images by official part, label and object class
    copies: dict[str, list[list[str]]]
    jpeg_tables: dict[str, list[dict[str, Any]]]  # by label, how many files have each set of tables
    unusable: list[Problem]  # files that cannot be used, with the reason
    changes: dict[str, int]  # how many images training prepares, by what is done
    parts: dict[str, dict[str, int]]  # images by part and label
    near_copies: dict[str, Any] | None = None  # their counts, where they were looked for

    @property
    def problem(self) -> str:
        """Why the data set cannot be trained on; empty if it can."""
        if self.unusable:
            return f"{len(self.unusable):,} file(s) cannot be used"
        return find_empty_part(self.parts)


def audit(
    source: Source, dataset: str = "auto", dataset_name: str | None = None, resize: str = "prepare"
) -> Audit:
    """Read every file of a source once; the other arguments are those of ``cifake.data.load``."""
    names: list[str] = []
    unusable: list[Problem] = []
    groups: dict[bytes, list[str]] = defaultdict(list)
    tables: dict[str, Counter[str]] = defaultdict(Counter)
    changes: Counter[str] = Counter()
    with progress_bar() as progress:
        for name, data in progress.track(source.files(), description="auditing"):
            names.append(name)
            groups[hashlib.blake2b(data, digest_size=16).digest()].append(name)
            try:
                changes.update(CONVERSIONS[resize](data)[1])
                image = read_image(data, check_size)
            except ValueError as error:
                unusable.append((name, str(error)))
                continue
            tables[name.split("/")[1]][str(getattr(image, "quantization", NO_JPEG))] += 1
    records, naming = read_names(names)
    unusable += naming + missing_folders(names)
    name, parts = "", {}
    if not unusable:
        cached = load_cached(source, resize)
        name = name_data(source, cached.digest, dataset, dataset_name)
        rows = part_rows(cached.sizes, "full")
        parts = {part: count_labels(cached.index["label"][rows[part]]) for part in rows}
    return Audit(
        dataset=name,
        source=source.location,
        files=len(names),
        counts=_count(records),
        copies=_sort_copies([sorted(group) for group in groups.values() if len(group) > 1]),
        jpeg_tables={
            label: [{"tables": text, "files": count} for text, count in counter.most_common()]
            for label, counter in sorted(tables.items())
        },
        unusable=unusable,
        changes=dict(changes),
        parts=parts,
    )


def _count(records: Any) -> dict[str, dict[str, dict[str, int]]]:
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for path, _, kind in records:
        part, label, _ = path.split("/")
        by_object = counts.setdefault(part, {}).setdefault(label, {})
        by_object[kind] = by_object.get(kind, 0) + 1
    return counts


def _sort_copies(groups: list[list[str]]) -> dict[str, list[list[str]]]:
    copies: dict[str, list[list[str]]] = {
        "within_train": [], "within_test": [], "across_train_and_test": [], "across_labels": []
    }  # fmt: skip
    for group in sorted(groups):
        parts = {name.split("/")[0] for name in group}
        copies["across_train_and_test" if len(parts) == 2 else f"within_{parts.pop()}"].append(group)
        if len({name.split("/")[1] for name in group}) == 2:
            copies["across_labels"].append(group)
    return copies
