"""Report what a data set holds: python -m cifake.audit --output audit.json."""

import dataclasses
import json
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Column, Table

from cifake.audit.contents import Audit, audit
from cifake.audit.options import parse
from cifake.core.errors import exit_code
from cifake.data.find import find
from cifake.tracking.mlflow_project import mlflow_project_run, name_project_run


def main(argv: Sequence[str]) -> int:
    """Print and write what the data set holds; the exit code is 1 if it cannot be trained on."""
    with mlflow_project_run("audit"):
        options = parse(argv)
        source = find(options.dataset)
        name_project_run(f"audit of {source.location}")
        result = audit(source, options.dataset, options.dataset_name, options.resize)
        options.output.write_text(json.dumps(dataclasses.asdict(result), indent=1), encoding="utf-8")
    show(result, Console())
    print(f"{options.output} has the whole audit, with the names of all copies")
    if result.problem:
        print(f"{result.source} cannot be trained on: {result.problem}", file=sys.stderr)
    return int(bool(result.problem))


def show(result: Audit, console: Console) -> None:
    """Print an audit as tables."""
    columns = [(part, label) for part, labels in result.counts.items() for label in labels]
    numbers = [Column(f"{part} {label}", justify="right") for part, label in columns]
    title = ", ".join(filter(None, (result.dataset, f"{result.source}: {result.files:,} files")))
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
    for label, tables in result.jpeg_tables.items():
        sizes = ", ".join(f"{table['files']:,}" for table in tables)
        console.print(f"{label}: {len(tables)} set(s) of JPEG quantisation tables, on {sizes} files")
    for part, labels in result.parts.items():
        console.print(f"{part} part: " + ", ".join(f"{n:,} {label}" for label, n in labels.items()))
    for change, count in result.changes.items():
        console.print(f"training prepares {count:,}: {change}")
    console.print(f"files that cannot be used: {len(result.unusable):,}")
    for name, reason in result.unusable[:10]:
        console.print(f"  {name}: {reason}", markup=False)


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
