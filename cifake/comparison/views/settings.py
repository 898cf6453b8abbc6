"""What differs between the groups, beside how they did."""

from cifake.comparison.comparison import Comparison
from cifake.comparison.standings import setting_changes, setting_title
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import (
    GROUP_COLUMNS,
    group_cells,
    metric_cells,
    metric_column,
    metric_text,
    variant_name,
    view_table,
)


def settings(comparison: Comparison) -> Table:
    """The reference's values of the settings that differ, and of each other group what differs from them."""
    reference = comparison.reference
    differing = [setting_changes(group, reference) for group in comparison.groups]
    keys = sorted({key for of_group in differing for key in of_group})
    own = reference.settings
    values = ", ".join(f"{setting_title(key)} {own.get(key, 'none')}" for key in keys)
    rows = [
        {
            **group_cells(group),
            # The rest of the name is among the settings, but for a search's.
            "variant": variant_name(group) if of_group or group is reference else group.name,
            **metric_cells(group, comparison.metric.key),
            "settings": values if group is reference else ", ".join(of_group.values()) or None,
            **{key: group.settings.get(key) for key in keys},
        }
        for group, of_group in zip(comparison.groups, differing, strict=True)
    ]
    return view_table(
        comparison,
        f"{metric_text(comparison)}. The settings of {reference.name}, and how the others differ from them; "
        "what is not named is equal, but for what a search was given.",
        [*GROUP_COLUMNS, metric_column(comparison), Column("settings", "settings")],
        rows,
        essential=5,
    )
