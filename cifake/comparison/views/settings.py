"""What differs between the groups, beside how they did."""

from cifake.comparison.comparison import Comparison
from cifake.comparison.runs import PARAMETER
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import (
    GROUP_COLUMNS,
    group_cells,
    metric_cells,
    metric_column,
    metric_text,
    view_table,
)


def settings(comparison: Comparison) -> Table:
    """Only the settings that are not the same everywhere."""
    values = [group.settings() for group in comparison.groups]
    keys = dict.fromkeys(key for of_group in values for key in of_group)
    differing = [key for key in keys if len({of_group.get(key) for of_group in values}) > 1]
    rows = [
        {
            **group_cells(group),
            "variant": group.name.split(" ")[0],  # the rest of the name is in the columns
            **metric_cells(group, comparison.metric.key),
            **{key: of_group.get(key) for key in differing},
        }
        for group, of_group in zip(comparison.groups, values, strict=True)
    ]
    return view_table(
        comparison,
        f"{metric_text(comparison)}. The settings that differ; all others are equal.",
        [
            *GROUP_COLUMNS,
            metric_column(comparison),
            *(Column(key, key.removeprefix(PARAMETER)) for key in differing),
        ],
        rows,
    )
