"""Views: from a frame of runs to tables. A view is one function."""

import pandas as pd

from cifake.comparison.runs import PARAMETER
from cifake.comparison.table import Column, Table
from cifake.errors import RunError
from cifake.evaluation.metrics import PREDICTION_METRICS, describe_metric

MAIN_METRICS = (
    "test/f1", "test/accuracy", "test/precision", "test/recall", "test/loss", "test/roc_auc",
    "cost/train_seconds",
)  # fmt: skip


def find_metric(runs: pd.DataFrame, name: str) -> str:
    """The key of a metric given in short (``f1``) or whole (``val/loss``).

    Raises:
        RunError: no run has it; names those there are.
    """
    numeric = [
        c for c in runs.columns if not c.startswith(PARAMETER) and pd.api.types.is_float_dtype(runs[c])
    ]
    for key in (f"test/{name}", name):
        if key in numeric:
            return key
    short = [metric.name for metric in PREDICTION_METRICS if f"test/{metric.name}" in numeric]
    others = sorted(key for key in numeric if not key.startswith("test/"))
    raise RunError(f"unknown metric '{name}'; known: {', '.join(short + others)}")


def leaderboard(runs: pd.DataFrame, metric: str, top: int | None = None) -> list[Table]:
    """Groups of repeats, best first; one table for each data set and split.

    Args:
        runs: see ``fetch_runs``.
        metric: a metric's key.
        top: rows to keep in each table; None keeps all.
    """
    by_data = runs.groupby(["dataset", "split", "dataset_digest"], sort=True)
    return [_rank(part, metric, top, *map(str, names)) for names, part in by_data]


def _rank(runs: pd.DataFrame, metric: str, top: int | None, dataset: str, split: str, digest: str) -> Table:
    rows = [_row(group, metric) for _, group in runs.groupby("config_hash", sort=False)]
    _tell_apart(rows, runs)
    described = describe_metric(metric)
    sign = -1 if described.higher_is_better else 1
    rows.sort(key=lambda row: (row[metric] is None, sign * (row[metric] or 0.0), row["variant"]))
    for rank, row in enumerate(rows, start=1):
        row["rank"] = rank
    sizes = set(runs["test_images"])
    n = int(sizes.pop()) if len(sizes) == 1 and sizes.isdisjoint({""}) else None
    images = f"{n:,} test images" if n else "an unknown number of test images"
    direction = {True: "higher is better", False: "lower is better", None: "lowest first"}
    return Table(
        caption=f"{dataset}, split {split}, {images}: {metric}, {direction[described.higher_is_better]}. "
        f"Mean ± standard deviation over runs; positive class FAKE, threshold 0.5.",
        columns=_columns(metric),
        rows=rows[:top],
        about={
            "dataset": dataset,
            "split": split,
            "dataset_digest": digest,
            "test_images": n,
            "metric": metric,
        },
        notes=_notes(rows, top),
    )


def _notes(rows: list[dict], top: int | None) -> list[str]:
    shown = rows[:top]
    notes = [
        f"{row['variant']}: {row['runs']} runs of {row['seeds']} seed(s); equal seeds give equal runs, "
        "so the deviation is too small."
        for row in shown
        if row["seeds"] < row["runs"]
    ]
    return notes + ([f"Rows not shown: {len(rows) - len(shown)}."] if len(shown) < len(rows) else [])


def _row(group: pd.DataFrame, metric: str) -> dict:
    row: dict = {
        "variant": "/".join(sorted(group["variant"].unique())),
        "runs": len(group),
        "seeds": int(group[f"{PARAMETER}seed"].nunique()),
        "config_hash": group["config_hash"].iloc[0],
    }
    for key in dict.fromkeys((metric, *MAIN_METRICS)):
        values = group[key].dropna() if key in group else pd.Series(dtype=float)
        row[key] = float(values.mean()) if len(values) else None
        row[f"{key}_std"] = float(values.std(ddof=1)) if len(values) > 1 else None
    return row


def _tell_apart(rows: list[dict], runs: pd.DataFrame) -> None:
    """Add the settings that differ to the names of groups of the same variant."""
    firsts = runs.drop_duplicates("config_hash").set_index("config_hash")
    names = pd.Series({row["config_hash"]: row["variant"] for row in rows})
    for row in rows:
        same = firsts.loc[names.index[names == row["variant"]]]
        if len(same) > 1:
            settings = [
                c for c in same if c.startswith(PARAMETER) and c not in ("params.seed", "params.variant")
            ]
            differing = [c for c in settings if len(same[c].unique()) > 1]
            values = [f"{c.removeprefix(PARAMETER)}={same.loc[row['config_hash'], c]}" for c in differing]
            row["variant"] = " ".join([row["variant"], *values])


def _columns(metric: str) -> list[Column]:
    columns = [Column("rank", "#", "d"), Column("variant", "variant"), Column("runs", "runs", "d")]
    for key in dict.fromkeys((metric, *MAIN_METRICS)):
        described = describe_metric(key)
        title = key if key == metric and not key.startswith("test/") else described.title
        columns.append(Column(key, title, described.form, f"{key}_std" if key == metric else None))
    return columns
