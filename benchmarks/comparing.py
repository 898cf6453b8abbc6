"""`compare.py` on stores of many runs, each against `mlflow.search_runs` in a process of its own."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.made_store import make_store
from benchmarks.measure import in_turn, show
from benchmarks.overhead import seconds

SEARCH = "import mlflow; mlflow.set_tracking_uri({!r}); mlflow.search_runs(experiment_names=['cifake'])"
SIZES = (1000, 2500, 5000, 10000)  # runs, of the growth


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
        uri = make_store(folder / "predictions", variants=200, seeds=5, images=20000)
        show(
            "200 variants x 5 seeds of 20,000 predictions, leaderboard of the top 20", "seconds",
            in_turn(contenders(uri, folder / "cache", "--top", "20")),
            {
                ("compare.py, first", "search_runs"): "at most 3",
                ("compare.py, later", "search_runs"): "at most 1.5",
            },
        )  # fmt: skip
        uri = make_store(folder / "bare", variants=2000, seeds=5)
        show(
            "10,000 runs without predictions, all 2,000 rows", "seconds",
            in_turn({k: v for k, v in contenders(uri, folder / "cache").items() if k != "compare.py, first"}),
            {("compare.py, later", "search_runs"): "at most 1.3"},
        )  # fmt: skip


if __name__ == "__main__":
    main()
