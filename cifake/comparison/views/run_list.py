"""Every run of a comparison, and where MLflow shows it."""

from typing import Any

from cifake.comparison.comparison import Comparison, metric_title
from cifake.comparison.groups import Group
from cifake.comparison.runs import BEST_EPOCH, SEED
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import metric_text, view_table
from cifake.contract import describe_metric
from cifake.core.addresses import is_served, pages_address

SECONDS = "cost/train_seconds"
COMMIT_LENGTH = 8


def runs(comparison: Comparison) -> Table:
    """One row a run, by rank and seed, with its id and address."""
    store = comparison.store.pages
    how = f"To open the runs: make ui, or for this store mlflow ui --backend-store-uri {store}"
    return view_table(
        comparison,
        f"{metric_text(comparison)}. Epochs count from 1.",
        [
            Column("rank", "#", "d"),
            Column("variant", "variant"),
            Column("seed", "seed"),
            Column(comparison.metric.key, metric_title(comparison), comparison.metric.form),
            Column("run_id", "run", link="address"),
            Column("epoch_kept", "epoch kept", ".0f"),
            Column(SECONDS, describe_metric(SECONDS).title, describe_metric(SECONDS).form),
            Column("commit", "commit"),
        ],
        [row for group in comparison.groups for row in _rows(comparison, group)],
        [*([how] if store and not is_served(store) else []), *comparison.notes],
        essential=5,  # with the run's id
    )


def _rows(comparison: Comparison, group: Group) -> list[dict[str, Any]]:
    metric, server = comparison.metric.key, pages_address(comparison.store.pages)
    columns = list(dict.fromkeys([SEED, metric, BEST_EPOCH, SECONDS, "run_id", "experiment_id", "commit"]))
    runs = group.runs.replace(float("inf"), None)
    frame = runs.reindex(columns=columns).sort_values(SEED, key=lambda seeds: seeds.str.zfill(32))
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [
        {
            "rank": group.rank,
            "variant": group.name,
            "seed": run[SEED],
            metric: run[metric],
            "epoch_kept": run[BEST_EPOCH],
            SECONDS: run[SECONDS],
            "run_id": run["run_id"],
            "address": f"{server}/#/experiments/{run['experiment_id']}/runs/{run['run_id']}"
            if run["experiment_id"]
            else None,
            "commit": run["commit"][:COMMIT_LENGTH] or None,
        }
        for run in rows
    ]
