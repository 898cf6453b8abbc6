"""What the searches among the runs have tried."""

import re
from typing import Any

from cifake.comparison.comparison import Comparison
from cifake.comparison.groups import Group
from cifake.comparison.runs import PARAMETER, SEED, fetch_trials
from cifake.comparison.standings import setting_title
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import variant_name, view_table
from cifake.contract import describe_metric

ONE_LAYER = re.compile(r"\.(layers|\d+)$")  # what is in the setting itself, too
EPOCHS = f"{PARAMETER}epochs"  # of a trial: its budget
MONITOR = f"{PARAMETER}monitor"  # the search's objective
FINISHED = "FINISHED"
MOST_COLUMNS = 8  # settings; more are one list


def trials(comparison: Comparison) -> Table:
    """The trials of each search, best first, with their budget and the settings that they vary."""
    searches = {
        row["run_id"]: (group, row[SEED]) for group in comparison.groups for _, row in group.runs.iterrows()
    }
    trial_rows = fetch_trials(comparison.store, list(searches))
    varied = list(dict.fromkeys(key for run_id in searches for key in _varied(run_id, trial_rows)))
    rows = [_row(row, *searches[row["parent"]], varied) for row in trial_rows]
    several = len({row["search"] for row in rows}) > 1
    columns = [
        *([Column("rank", "#", "d"), Column("title", "search"), Column("seed", "seed")] if several else []),
        Column("trial", "trial", "d"),
        Column("score", "score", ".4f"),
        Column("epochs", "epochs", "d"),
        Column("seconds", "seconds", ".1f"),
    ]
    if any(row["status"] != FINISHED for row in rows):
        columns += [Column("status", "state"), Column("reason", "reason")]
    listed = [*columns, Column("settings", "settings")]
    apart = [*columns, *(Column(key, setting_title(key)) for key in varied)]
    objectives = " or ".join(dict.fromkeys(str(row["objective"]) for row in rows)) or "their objective"
    return view_table(
        comparison,
        f"trials of searches, best first by {objectives} on validation images. Epochs are a trial's budget; "
        "settings are those that a search varies.",
        apart if len(varied) <= MOST_COLUMNS else listed,
        sorted(rows, key=_order),
        [] if rows else ["None of these runs is a search."],
        essential=len(listed),
        narrow=listed,
    )


def _row(row: dict[str, Any], group: Group, seed: str, varied: list[str]) -> dict[str, Any]:
    settings = {key: row.get(key) for key in varied}
    return {
        "rank": group.rank,
        "variant": group.name,
        "title": variant_name(group),
        "search": row["parent"],
        "seed": seed,
        "trial": row["trial"],
        "objective": row.get(MONITOR),
        "score": row["score"],
        "epochs": int(row[EPOCHS]) if EPOCHS in row else None,
        "seconds": row["seconds"],
        "status": row["status"],
        "reason": row["failure"],
        "settings": ", ".join(f"{setting_title(key)} {value}" for key, value in settings.items() if value),
        **settings,
    }


def _varied(search: str, trials: list[dict[str, Any]]) -> list[str]:
    """The settings that are not the same in all trials of a search, without their budget."""
    own = [row for row in trials if row["parent"] == search]
    keys = sorted({key for row in own for key in row})
    settings = [key for key in keys if key.startswith(PARAMETER) and not ONE_LAYER.search(key)]
    return [key for key in settings if key != EPOCHS and len({row.get(key) for row in own}) > 1]


def _order(row: dict[str, Any]) -> tuple:
    """By search, then by score, those without a score last."""
    sign = {True: -1, False: 1, None: 0}[describe_metric(str(row["objective"])).higher_is_better]
    return row["rank"], row["search"], row["score"] is None, sign * (row["score"] or 0.0), row["trial"]
