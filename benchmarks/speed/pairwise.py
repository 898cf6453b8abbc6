"""All pairs of 20 variants x 5 seeds on F1, against 2,000 resamples of the images.

Ours takes the variance from influence values, so it needs no resamples; the reference resamples the
images for all groups at once, and gives the same standard errors within its own noise (1.6 % of a
standard error at 2,000 resamples).
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy is imported

import resource
import time
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from benchmarks.measure import in_turn, show
from cifake.comparison.figures.style import STYLE
from cifake.comparison.statistics.crossed_effects import CrossedEffects, Sample
from cifake.comparison.statistics.influence import INFLUENCE
from cifake.comparison.statistics.ranking import rank
from cifake.comparison.statistics.simultaneous import simultaneous

VARIANTS, SEEDS, IMAGES, RESAMPLES = 20, 5, 20000, 2000
PAIRS = list(combinations(range(VARIANTS), 2))
PLOT = Path(__file__).parent / "pairwise.png"


def make_scores(images: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels [n] and scores [variants, seeds, n] in which images are hard for all alike."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, images)
    margins = rng.normal(1.5, 1, images) + rng.normal(0, 0.5, (VARIANTS, SEEDS, images))
    return labels, 1 / (1 + np.exp(-(2 * labels - 1) * margins))


def ours(labels: np.ndarray, scores: np.ndarray, metric: str = "f1") -> np.ndarray:
    """Standard errors, by images, of the differences of all pairs; simultaneous intervals, adjusted
    p-values, the best set and ranks on the way.
    """
    samples = []
    for of_group in scores:
        values, influence = zip(*(INFLUENCE[metric](labels, each) for each in of_group), strict=True)
        samples.append(Sample(np.array(values), np.array(influence), [str(seed) for seed in range(SEEDS)]))
    crossed = CrossedEffects(samples)
    simultaneous(crossed, np.array(PAIRS))
    rank(crossed)
    influence = np.array([sample.influence.mean(0) for sample in samples])
    return np.array([np.std(influence[a] - influence[b]) for a, b in PAIRS]) / np.sqrt(len(labels))


def resampled(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The same standard errors from resampled images, the same for all groups."""
    rng = np.random.default_rng(1)
    calls = (scores.reshape(-1, len(labels)) >= 0.5).astype(np.float32)
    values = []
    for _ in range(RESAMPLES):
        weights = np.bincount(rng.integers(0, len(labels), len(labels)), minlength=len(labels))
        weights = weights.astype(np.float32)
        hits, called = calls @ (weights * labels), calls @ weights
        values.append((2 * hits / (called + weights @ labels)).reshape(VARIANTS, SEEDS).mean(1))
    table = np.array(values)
    return np.array([np.std(table[:, a] - table[:, b]) for a, b in PAIRS])


def main() -> None:
    labels, scores = make_scores(IMAGES)
    errors: dict[str, np.ndarray] = {}

    def timed(name: str, function) -> float:
        start = time.perf_counter()
        errors[name] = function(labels, scores)
        return time.perf_counter() - start

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    timed("ours", ours)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    values = in_turn(
        {"ours": lambda: timed("ours", ours), "resampled": lambda: timed("resampled", resampled)}
    )
    show(
        f"{len(PAIRS)} pairs, {VARIANTS} x {SEEDS}, F1, {IMAGES:,} images, one thread", "seconds", values,
        {("ours", "resampled"): "at most 1"},
    )  # fmt: skip
    print(f"peak memory of ours: {peak / 2**20:.2f} GiB, of which {before / 2**20:.2f} GiB before it began")
    ratio = errors["ours"] / errors["resampled"]
    spread = f"{ratio.min():.3f} to {ratio.max():.3f}"
    print(f"standard errors, ours / resampled: median {np.median(ratio):.3f}, {spread}")
    _plot_growth()


def _plot_growth() -> None:
    """Seconds by number of images, for a metric of counts and one of ranks."""
    sizes = (5000, 10000, 20000, 40000, 80000)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6, 3.5), layout="constrained")
        axes = figure.subplots()
        for metric in ("f1", "roc_auc"):
            taken = [min(_seconds(metric, size) for _ in range(5)) for size in sizes]
            axes.plot(sizes, taken, "o-", label=metric)
        axes.set(
            xlabel="test images", ylabel=f"seconds for {len(PAIRS)} pairs", xlim=(0, None), ylim=(0, None)
        )
        axes.legend()
        figure.savefig(PLOT, dpi=110)


def _seconds(metric: str, images: int) -> float:
    labels, scores = make_scores(images)
    start = time.perf_counter()
    ours(labels, scores, metric)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
