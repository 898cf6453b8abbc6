"""Where a variant fails: the metric by object class."""

from operator import itemgetter
from typing import Any

from cifake.comparison.comparison import Comparison
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.table import MARKS, Column, Table
from cifake.comparison.views.columns import (
    group_titles,
    interval_cells,
    interval_text,
    metric_text,
    ranks_text,
    view_table,
)


def slices(comparison: Comparison) -> Table:
    """Each group's metric on the images of each object class, as a matrix; the weakest class first."""
    records = _records(comparison)
    key, up = comparison.metric.key, bool(comparison.metric.higher_is_better)
    rows: dict[str, dict[str, Any]] = {}
    for record in records:
        row = rows.setdefault(record["object"], {name: record[name] for name in ("object", "images")})
        row[f"value_{record['rank']}"] = record[key]
    columns = [
        Column(f"value_{group.rank}", title, comparison.metric.form, mark=f"mark_value_{group.rank}")
        for group, title in zip(comparison.groups, group_titles(comparison), strict=True)
        if group.scores
    ]
    for column in columns if rows else ():
        weakest = (min if up else max)(rows.values(), key=itemgetter(column.key))
        weakest[f"mark_{column.key}"] = "weakest"
    ranks = ranks_text(comparison)
    unknown = comparison.images is not None and not any(comparison.images.names)
    return view_table(
        comparison,
        f"{metric_text(comparison)}. By object class, the weakest first; {MARKS['weakest']} marks each "
        "variant's weakest. CSV and JSON hold the intervals. "
        f"{interval_text(comparison, 'images of the class')}",
        [Column("object", "object"), Column("images", "images", ",d"), *columns],
        sorted(rows.values(), key=lambda row: sum(row[c.key] for c in columns), reverse=not up),
        [
            *(["The object classes of these images are not known."] if unknown else []),
            *([f"Columns are ranks: {ranks}."] if ranks else []),
            *comparison.notes,
        ],
        records=records,
    )


def _records(comparison: Comparison) -> list[dict[str, Any]]:
    """One row a group and object class, each group's weakest class first."""
    images, key = comparison.images, comparison.metric.key
    if images is None:
        return []
    records: list[dict[str, Any]] = []
    for place, name in enumerate(images.names):
        chosen = images.objects == place
        if not name or chosen.sum() < 2:  # file names that tell no classes; one image has no interval
            continue
        estimates = MetricEstimates(comparison, comparison.metric.name, chosen)
        records += [
            {
                "rank": group.rank,
                "variant": group.name,
                "object": str(name),
                "images": int(chosen.sum()),
                key: estimate.value,
                **interval_cells(key, estimate),
            }
            for group in comparison.groups
            if (estimate := estimates.mean(group))
        ]
    sign = 1 if comparison.metric.higher_is_better else -1
    return sorted(records, key=lambda record: (record["rank"], sign * record[key]))
