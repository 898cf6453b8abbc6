"""`compare.py` on stores of many runs, each against `mlflow.search_runs` in a process of its own."""

import os
import shutil
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from benchmarks.made_store import make_store
from benchmarks.measure import in_turn, show
from benchmarks.speed.overhead import seconds
from cifake.comparison.figures.style import STYLE

SEARCH = "import mlflow; mlflow.set_tracking_uri({!r}); mlflow.search_runs(experiment_names=['cifake'])"
SIZES = (1000, 2500, 5000, 10000)  # runs
PLOT = Path(__file__).parent / "comparing.png"


def contenders(uri: str, cache: Path, *words: str) -> dict[str, Callable[[], float]]:
    """Seconds of whole processes, Python's start and imports included."""
    os.environ["CIFAKE_CACHE"] = str(cache)

    def compare() -> float:
        return seconds(
            "compare.py", "--tracking-uri", uri, "--output", os.devnull, "--format", "json", *words
        )

    def first() -> float:
        shutil.rmtree(cache, ignore_errors=True)
        return compare()

    return {
        "search_runs": lambda: seconds("-c", SEARCH.format(uri)),
        "compare.py, first": first,
        "compare.py, later": compare,
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _start(folder)
        uri = make_store(folder / "predictions", variants=200, seeds=5, images=20000)
        for rows, words in (("the top 20 rows", ("--top", "20")), ("all rows", ())):
            show(
                f"200 variants x 5 seeds of 20,000 predictions, leaderboard of {rows}", "seconds",
                in_turn(contenders(uri, folder / "cache", *words)),
                {
                    ("compare.py, first", "search_runs"): "at most 3",
                    ("compare.py, later", "search_runs"): "at most 1",
                },
            )  # fmt: skip
        _grow(folder)


def _start(folder: Path) -> None:
    """A small store, where imports are most of the time."""
    compare = contenders(make_store(folder / "small", variants=20, seeds=5), folder / "cache")
    show(
        "100 runs without predictions", "seconds",
        in_turn(
            {
                "import mlflow": lambda: seconds("-c", "import mlflow"),
                "compare.py": compare["compare.py, later"],
            },
            rounds=7,
        ),
        {("compare.py", "import mlflow"): "at most 1.5"},
    )  # fmt: skip


def _grow(folder: Path) -> None:
    """Stores without predictions of growing size; the largest is measured against its goal."""
    medians: dict[str, list[float]] = {"search_runs": [], "compare.py, later": []}
    for runs in SIZES:
        both = contenders(make_store(folder / str(runs), variants=runs // 5, seeds=5), folder / "cache")
        values = in_turn({name: both[name] for name in medians})
        for name, numbers in values.items():
            medians[name].append(statistics.median(numbers))
        claims = {("compare.py, later", "search_runs"): "at most 1.3"} if runs == SIZES[-1] else {}
        show(f"{runs:,} runs without predictions, all rows", "seconds", values, claims)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6, 3.5), layout="constrained")
        axes = figure.subplots()
        for name, numbers in medians.items():
            axes.plot(SIZES, numbers, "o-", label=name.removesuffix(", later"))
        axes.set(xlabel="runs", ylabel="seconds", xlim=(0, None), ylim=(0, None))
        axes.legend()
        figure.savefig(PLOT, dpi=110)


if __name__ == "__main__":
    main()
