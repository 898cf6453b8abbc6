"""Where a variant fails: the metric by object class."""

from typing import Any

import numpy as np

from cifake.comparison.comparison import Comparison, metric_title
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.groups import Group
from cifake.comparison.statistics.crossed_effects import Estimate
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import (
    interval_cells,
    interval_column,
    interval_text,
    metric_text,
    view_table,
)


def slices(comparison: Comparison) -> Table:
    """Each group's metric on the images of each object class, weakest first."""
    parts = object_parts(comparison)
    rows = []
    for group in comparison.groups:
        of_group = [(name, chosen, estimates.mean(group)) for name, (chosen, estimates) in parts.items()]
        cells = [
            _cells(comparison, group, name, chosen, estimate)
            for name, chosen, estimate in of_group
            if estimate
        ]
        rows += sorted(
            cells, key=lambda row: row[comparison.metric.key], reverse=not comparison.metric.higher_is_better
        )
    form = comparison.metric.form
    return view_table(
        comparison,
        f"{metric_text(comparison)}. By object class, weakest first. "
        f"{interval_text(comparison, 'images of the class')}",
        [
            Column("rank", "#", "d"),
            Column("variant", "variant"),
            Column("object", "object"),
            Column("images", "images", ",d"),
            Column(comparison.metric.key, metric_title(comparison), form),
            interval_column(comparison, comparison.metric.key, form),
        ],
        rows,
    )


def object_parts(comparison: Comparison) -> dict[str, tuple[np.ndarray, MetricEstimates]]:
    """By object class: which images are of it, bool [n], and the metric on them."""
    if comparison.images is None:
        return {}
    chosen = {
        str(name): comparison.images.objects == place for place, name in enumerate(comparison.images.names)
    }
    return {
        name: (rows, MetricEstimates(comparison, comparison.metric.name, rows))
        for name, rows in chosen.items()
    }


def _cells(
    comparison: Comparison, group: Group, name: str, chosen: np.ndarray, estimate: Estimate
) -> dict[str, Any]:
    return {
        "rank": group.rank,
        "variant": group.name,
        "object": name,
        "images": int(chosen.sum()),
        comparison.metric.key: estimate.value,
        **interval_cells(comparison.metric.key, estimate),
    }
