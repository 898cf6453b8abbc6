"""Report what a data set holds: python -m cifake.audit --output audit.json."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from cifake.audit.contents import NO_JPEG, Audit, audit
from cifake.audit.options import Options, parse
from cifake.contract import LABELS
from cifake.core.errors import exit_code
from cifake.core.progress import configure_logging
from cifake.data.cache import load_cached
from cifake.data.find import choose_dataset, find
from cifake.data.sources import Source
from cifake.tracking.mlflow_project import keep_files, mlflow_project_run, name_project_run


def main(argv: Sequence[str]) -> int:
    """Print and write what the data set holds; the exit code is 1 if it cannot be trained on."""
    configure_logging()
    with mlflow_project_run("audit"):
        options = parse(argv)
        dataset = choose_dataset(options.dataset, options.dataset_name)
        source = find(dataset)
        name_project_run(f"audit of {source.location}")
        result = audit(source, dataset, options.dataset_name, options.resize)
        files = [options.output]
        if options.near and not result.unusable:
            near, written = _near_copies(source, result, options)
            result = dataclasses.replace(result, near_copies=near)
            files += written
        options.output.write_text(json.dumps(dataclasses.asdict(result), indent=1), encoding="utf-8")
        keep_files(*files)
    show(result, Console())
    print(f"{options.output} has the whole audit, with the names of all copies")
    if len(files) > 1:
        print(f"pairs of near-copies: {' and '.join(map(str, files[1:]))}")
    elif options.near:
        print("near-copies were not looked for, since files cannot be used", file=sys.stderr)
    if result.problem:
        print(f"{result.source} cannot be trained on: {result.problem}", file=sys.stderr)
    return int(bool(result.problem))


def _near_copies(source: Source, result: Audit, options: Options) -> tuple[dict[str, Any], list[Path]]:
    """Counts of near-copies, and the files that list and show them."""
    # pandas and matplotlib, needed only here
    from cifake.audit.pairs import count_pairs, find_pairs, write_pairs
    from cifake.audit.pairs_figure import pairs_figure

    cached = load_cached(source, options.resize)
    pairs = find_pairs(cached, result.copies)
    near = pairs[pairs["similarity"] >= options.similarity]
    write_pairs(near, options.pairs_file)
    options.picture_file.unlink(missing_ok=True)  # of an earlier audit
    if len(pairs):
        pairs_figure(pairs, cached.images, options.similarity).savefig(options.picture_file)
    files = [file for file in (options.pairs_file, options.picture_file) if file.exists()]
    return {"similarity": options.similarity, **count_pairs(near)}, files


def show(result: Audit, console: Console) -> None:
    """Print an audit as tables."""
    columns = [(part, label) for part, labels in result.counts.items() for label in labels]
    numbers = [Column(f"{part} {label}", justify="right") for part, label in columns]
    title = escape(", ".join(filter(None, (result.dataset, f"{result.source}: {result.files:,} files"))))
    counts = Table("object class", *numbers, title=title, title_justify="left")
    kinds = {kind for part, label in columns for kind in result.counts[part][label]}
    for kind in sorted(kinds):
        of_kind = [f"{result.counts[part][label].get(kind, 0):,}" for part, label in columns]
        counts.add_row(kind or "unknown", *of_kind)
    counts.add_section()
    counts.add_row("all", *(f"{sum(result.counts[part][label].values()):,}" for part, label in columns))
    numbers = [Column(name, justify="right") for name in ("groups", "files")]
    copies = Table("where", *numbers, title="byte-identical copies", title_justify="left")
    for where, groups in result.copies.items():
        copies.add_row(where.replace("_", " "), f"{len(groups):,}", f"{sum(map(len, groups)):,}")
    console.print(counts)
    console.print(copies)
    if result.near_copies:
        show_near_copies(result.near_copies, console)
    for label, tables in result.jpeg_tables.items():
        sizes = [f"{table['files']:,}" for table in tables if table["tables"] != NO_JPEG]
        others = sum(table["files"] for table in tables if table["tables"] == NO_JPEG)
        if sizes:
            found = f"{len(sizes)} set(s) of JPEG quantisation tables, on {', '.join(sizes)} files"
            console.print(f"{label}: {found}")
        if others:
            console.print(f"{label}: {others:,} files are not JPEG files")
    for part, labels in result.parts.items():
        console.print(f"{part} part: " + ", ".join(f"{n:,} {label}" for label, n in labels.items()))
    for change, count in result.changes.items():
        console.print(f"training prepares {count:,}: {change}")
    console.print(f"files that cannot be used: {len(result.unusable):,}")
    for name, reason in result.unusable[:10]:
        console.print(f"  {name}: {reason}", markup=False)


def show_near_copies(near: dict[str, Any], console: Console) -> None:
    """Print counts of near-copies as a table."""
    title = f"pairs of near-copies from {near['similarity']:g} up, without byte-identical copies"
    table = Table("where", title=title, title_justify="left")
    for column in (*LABELS, "across labels (false alarms)"):
        table.add_column(column, justify="right")
    for where, counts in near["pairs"].items():
        table.add_row(where.replace("_", " "), *(f"{count:,}" for count in counts.values()))
    console.print(table)
    of_test = near["test_images_with_a_near_copy_in_training"]
    counts = ", ".join(f"{count:,} {label}" for label, count in of_test.items())
    console.print(f"test images with a near-copy among training or validation images: {counts}")


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
