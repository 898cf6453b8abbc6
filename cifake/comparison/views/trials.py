"""What the searches among the runs have tried."""

import re
from typing import Any

from cifake.comparison.comparison import Comparison
from cifake.comparison.runs import PARAMETER, fetch_trials
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import view_table
from cifake.contract import describe_metric

ONE_LAYER = re.compile(r"\.(layers|\d+)$")  # what is in the setting itself, too


def trials(comparison: Comparison) -> Table:
    """The trials of each search, best first, with the settings that they vary."""
    searches = {run_id: group for group in comparison.groups for run_id in group.runs["run_id"]}
    trial_rows = fetch_trials(comparison.store, list(searches))
    varied = list(dict.fromkeys(key for run_id in searches for key in _varied(run_id, trial_rows)))
    rows = [
        {
            "rank": searches[row["parent"]].rank,
            "variant": searches[row["parent"]].name,
            "search": row["parent"],
            "trial": row["trial"],
            "objective": row.get(f"{PARAMETER}monitor"),
            "score": row["score"],
            "status": row["status"],
            "reason": row["failure"],
            **{key: row.get(key) for key in varied},
        }
        for row in trial_rows
    ]
    return view_table(
        comparison,
        "trials of searches, best first, as judged on validation images.",
        [
            Column("variant", "variant"),
            Column("trial", "trial", "d"),
            Column("objective", "objective"),
            Column("score", "score", ".4f"),
            *(Column(key, key.removeprefix(PARAMETER)) for key in varied),
            Column("status", "status"),
            Column("reason", "reason"),
        ],
        sorted(rows, key=_order),
        [] if rows else ["None of these runs is a search."],
    )


def _varied(search: str, trials: list[dict[str, Any]]) -> list[str]:
    """The settings that are not the same in all trials of a search."""
    own = [row for row in trials if row["parent"] == search]
    keys = dict.fromkeys(key for row in own for key in row)
    settings = [key for key in keys if key.startswith(PARAMETER) and not ONE_LAYER.search(key)]
    return [key for key in settings if len({row.get(key) for row in own}) > 1]


def _order(row: dict[str, Any]) -> tuple:
    """By search, then by score, those without a score last."""
    sign = {True: -1, False: 1, None: 0}[describe_metric(str(row["objective"])).higher_is_better]
    return row["rank"], row["search"], row["score"] is None, sign * (row["score"] or 0.0), row["trial"]
