"""The metric by two settings: does one matter, and does the answer depend on the other?"""

import re
from typing import Any

import numpy as np

from cifake.comparison.comparison import Comparison
from cifake.comparison.groups import NO_SETTINGS, Group, name_list
from cifake.comparison.notes import note
from cifake.comparison.runs import PARAMETER
from cifake.comparison.standings import MODEL, setting_changes, setting_title
from cifake.comparison.table import MARKS, Column, Table
from cifake.comparison.views.columns import metric_text, view_table
from cifake.core.errors import RunError
from cifake.core.nearest import nearest

NUMBER = re.compile(r"-?\d+\.?\d*(?:e[-+]?\d+)?")


def pivot(comparison: Comparison, rows: str, columns: str = "") -> Table:
    """The metric's mean for each value of one setting, or of two.

    Args:
        comparison: the groups.
        rows: a setting: ``model.filters``.
        columns: another; empty for one column.

    Raises:
        RunError: no run has such a setting.
    """
    keys = [_find(comparison, name) for name in (rows, columns) if name]
    metric = comparison.metric
    cells: dict[tuple[str, ...], list[Group]] = {}
    for group in comparison.groups:
        if len(group.values(metric.key)):
            own = group.settings
            cells.setdefault(tuple(own.get(key, "none") for key in keys), []).append(group)
    records = [_record(comparison, keys, values, groups) for values, groups in cells.items()]
    if records:
        pick = max if metric.higher_is_better else min
        pick(records, key=lambda record: record[metric.key])["mark"] = "best"
    down, *across = ({record[key] for record in records} for key in keys)
    titles = sorted(across[0], key=_order) if across else [""]
    return view_table(
        comparison,
        f"{metric_text(comparison)}. {' by '.join(map(setting_title, keys))}: mean ± standard deviation "
        f"(runs); {MARKS['best']} the best cell. A dash is a combination without runs.",
        [
            Column("row", setting_title(keys[0])),
            *(
                Column(
                    f"mean_{title}",
                    f"{setting_title(keys[1])} {title}" if across else metric.title,
                    metric.form,
                    spread=f"std_{title}",
                    count=f"runs_{title}",
                    mark=f"mark_{title}",
                )
                for title in titles
            ),
        ],
        [_row(metric.key, keys, value, records) for value in sorted(down, key=_order)],
        [*_mixed(cells), *comparison.notes],
        records=records,
    )


def _find(comparison: Comparison, name: str) -> str:
    """The key of a setting that was given as ``model.filters`` or ``filters``."""
    columns = comparison.groups[0].runs  # those of all runs, of other data sets and splits too
    known = [str(key) for key in columns if str(key).startswith(PARAMETER) and key not in NO_SETTINGS]
    for key in (f"{PARAMETER}{name}", f"{PARAMETER}{MODEL}{name}"):
        if key in known:
            return key
    close = nearest(name, [key.removeprefix(PARAMETER) for key in known])
    raise RunError(f"unknown setting '{name}'; did you mean '{close}'?")


def _record(
    comparison: Comparison, keys: list[str], values: tuple[str, ...], groups: list[Group]
) -> dict[str, Any]:
    key = comparison.metric.key
    of_runs = np.concatenate([group.values(key) for group in groups])
    return {
        **dict(zip(keys, values, strict=True)),
        key: float(of_runs.mean()),
        f"{key}_std": float(of_runs.std(ddof=1)) if len(of_runs) > 1 else None,
        "runs": len(of_runs),
        "variants": ", ".join(group.name for group in groups),
        "mark": None,
    }


def _row(metric: str, keys: list[str], value: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    row: dict[str, Any] = {"row": value}
    for record in records:
        if record[keys[0]] == value:
            title = record[keys[1]] if len(keys) > 1 else ""
            row |= {
                f"mean_{title}": record[metric],
                f"std_{title}": record[f"{metric}_std"],
                f"runs_{title}": record["runs"],
                f"mark_{title}": record["mark"],
            }
    return row


def _mixed(cells: dict[tuple[str, ...], list[Group]]) -> list[str]:
    """A note on each cell whose runs differ in more than the seed."""
    notes = []
    for values, (first, *others) in cells.items():
        differing = {key: None for other in others for key in setting_changes(other, first)}
        if differing:
            differ = name_list([setting_title(key) for key in differing])
            text = f"{', '.join(values)}: {len(others) + 1} variants together, which differ in {differ}."
            notes.append(note("mixed-cell", text))
    return notes


def _order(value: str) -> tuple[list[float], str]:
    """By the numbers in it: ``[8]`` before ``[32, 32]``."""
    return [float(number) for number in NUMBER.findall(value)], value
