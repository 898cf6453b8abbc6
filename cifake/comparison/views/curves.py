"""How training went: validation loss by epoch."""

from typing import Any

import numpy as np

from cifake.comparison.comparison import Comparison
from cifake.comparison.groups import name_list
from cifake.comparison.runs import fetch_history
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import GROUP_COLUMNS, group_cells, view_table

CURVE = "val/loss"
EPOCHS_SHOWN = 8


def curves(comparison: Comparison) -> Table:
    """Validation loss by epoch, mean over the seeds that reached it."""
    histories = learning_curves(comparison, CURVE)
    rows = []
    for group, history in zip(comparison.groups, histories, strict=True):
        rows.append({**group_cells(group), "epoch_kept": group.mean("best_epoch"), **_by_epoch(history)})
    broken = [
        group.name
        for group, of_one in zip(comparison.groups, histories, strict=True)
        if np.isinf(of_one).any()
    ]
    note = (
        f"{CURVE} of {name_list(broken)} is not finite in some epochs, which do not count." if broken else ""
    )
    longest = max(history.shape[1] for history in histories)
    listed = sorted({round(epoch) for epoch in np.linspace(1, longest, EPOCHS_SHOWN)}) if longest else []
    return view_table(
        comparison,
        f"{CURVE} by epoch, mean over the seeds that reached it; epochs count from 1 (MLflow's "
        "steps from 0); machine-readable formats have every epoch, with standard deviations.",
        [
            *GROUP_COLUMNS,
            Column("epoch_kept", "epoch kept", ".1f"),
            *(Column(f"epoch_{epoch}", str(epoch), ".4f") for epoch in listed),
        ],
        rows,
        [*filter(None, [note]), *comparison.notes],
    )


def learning_curves(comparison: Comparison, key: str) -> list[np.ndarray]:
    """A metric by epoch, of each group: float [seeds, epochs].

    NaN after a seed's last epoch, inf where it is not finite.
    """
    ids = [run_id for group in comparison.groups for run_id in group.runs["run_id"]]
    histories = dict(zip(ids, fetch_history(comparison.store, ids, key), strict=True))
    tables = []
    for group in comparison.groups:
        of_seeds = [histories[run_id] for run_id in group.runs["run_id"]]
        epochs = max((max(history, default=-1) + 1 for history in of_seeds), default=0)
        tables.append(np.array([[history.get(e, np.nan) for e in range(epochs)] for history in of_seeds]))
    return tables


def _by_epoch(history: np.ndarray) -> dict[str, Any]:
    """``epoch_1``, ``epoch_1_std`` ... of one group."""
    cells: dict[str, Any] = {}
    for epoch, values in enumerate(history.T, start=1):
        reached = values[np.isfinite(values)]
        cells[f"epoch_{epoch}"] = float(reached.mean()) if len(reached) else None
        cells[f"epoch_{epoch}_std"] = float(reached.std(ddof=1)) if len(reached) > 1 else None
    return cells
