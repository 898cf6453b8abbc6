"""Which variant is best, by how much, and how sure that is."""

from dataclasses import replace
from typing import Any

from cifake.comparison.board import Board
from cifake.comparison.groups import Group
from cifake.comparison.measured import Difference, Measured
from cifake.comparison.table import Column, Table
from cifake.comparison.views.control import control_notes
from cifake.comparison.views.parts import (
    GROUP_COLUMNS,
    data_text,
    difference_cells,
    difference_columns,
    group_cells,
    interval_cells,
    interval_column,
    level,
    metric_cells,
    metric_column,
    metric_text,
    single_seed_text,
)
from cifake.evaluation.metrics import describe_metric

MAIN_METRICS = (
    "test/f1", "test/accuracy", "test/precision", "test/recall", "test/loss", "test/roc_auc",
    "cost/train_seconds",
)  # fmt: skip


def leaderboard(board: Board) -> Table:
    """Groups of repeats, best first, each against the best one or the baseline."""
    measured = Measured(board, board.described.name)
    differences = measured.differences([(group, board.reference) for group in board.groups])
    rows = [
        _row(board, measured, group, difference)
        for group, difference in zip(board.groups, differences, strict=True)
    ]
    return Table(
        caption=_caption(board, differences),
        columns=_columns(board, rows),
        rows=rows,
        about=board.about,
        notes=[*control_notes(board, measured), *board.notes],
    )


def _row(board: Board, measured: Measured, group: Group, difference: Difference | None) -> dict[str, Any]:
    return {
        **group_cells(group),
        "config_hash": group.runs["config_hash"].iloc[0],
        **metric_cells(group, board.metric),
        **interval_cells(board.metric, measured.mean(group)),
        "reference": group is board.reference,
        **difference_cells(difference),
        **{k: v for key in MAIN_METRICS if key != board.metric for k, v in metric_cells(group, key).items()},
    }


def _columns(board: Board, rows: list[dict[str, Any]]) -> list[Column]:
    rank, *others = GROUP_COLUMNS
    form = board.described.form
    interval = interval_column(board, board.metric, form)
    return [
        replace(rank, mark="tied"),
        *others,
        metric_column(board),
        *([interval] if any(row[interval.key] is not None for row in rows) else []),
        *difference_columns(board, rows),
        *(
            Column(key, describe_metric(key).title, describe_metric(key).form)
            for key in MAIN_METRICS
            if key != board.metric and any(row[key] is not None for row in rows)
        ),
    ]


def _caption(board: Board, differences: list[Difference | None]) -> str:
    caption = f"{data_text(board)}: {metric_text(board)}. Mean ± standard deviation over seeds."
    compared = sum(difference is not None for difference in differences)
    if not any(group.scores for group in board.groups):
        return caption
    caption += f" Intervals ({level(board)}) are over seeds and test images.{single_seed_text(board)}"
    if not compared:
        return caption
    name = board.reference.name
    return (
        f"{caption} Differences are from {name}, paired by image; p is adjusted for {compared} "
        f"comparison{'s' if compared > 1 else ''} (Holm), intervals are not. "
        f"= marks a tie: it cannot be told from {name} (p ≥ {1 - board.confidence:.2g}), "
        "which does not prove the two equal."
    )
