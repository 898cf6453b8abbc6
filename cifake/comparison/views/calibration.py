"""Whether a probability of .8 is right four times in five."""

from typing import Any

import numpy as np

from cifake.comparison.comparison import Comparison
from cifake.comparison.estimates import MetricEstimates
from cifake.comparison.table import Column, Table
from cifake.comparison.views.columns import (
    GROUP_COLUMNS,
    group_cells,
    interval_cells,
    interval_column,
    interval_text,
    view_table,
)
from cifake.contract import describe_metric
from cifake.evaluation.metrics import ECE_BINS

SCORES = ("ece", "brier", "loss")


def calibration(comparison: Comparison) -> Table:
    """Calibration error, Brier score and loss with intervals, and the mean probability of FAKE."""
    estimates = {name: MetricEstimates(comparison, name) for name in SCORES}
    rows: list[dict[str, Any]] = []
    for group in comparison.groups:
        if not group.scores:
            continue
        row = {**group_cells(group), "seeds": len(group.scores)}
        row["mean_score"] = float(np.mean([scores.mean() for scores in group.scores.values()]))
        for name, of_all in estimates.items():
            estimate = of_all.mean(group)
            row |= {f"test/{name}": estimate.value if estimate else None}
            row |= interval_cells(f"test/{name}", estimate)
        rows.append(row)
    share = f"; {comparison.images.labels.mean():.1%} of the images are FAKE" if comparison.images else ""
    return view_table(
        comparison,
        f"do probabilities of FAKE mean what they say? Calibration error over {ECE_BINS} bins, Brier score "
        "and loss: lower is better. "
        f"{interval_text(comparison)} Mean score is the mean probability of FAKE{share}.",
        [
            *GROUP_COLUMNS,
            *(column for name in SCORES for column in _columns(comparison, name)),
            Column("mean_score", "mean score", ".3f"),
        ],
        rows,
    )


def _columns(comparison: Comparison, name: str) -> list[Column]:
    described = describe_metric(name)
    key = f"test/{name}"
    return [Column(key, described.title, described.form), interval_column(comparison, key, described.form)]
