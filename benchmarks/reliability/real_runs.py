"""What pairing by seed, and looking while seeds are added, are worth on real runs: draws of a few seeds.

Train many seeds first; MLFLOW_TRACKING_URI names the store:

    python -m cifake.suite variants=base,epoch seeds=60 split=small
    python -m cifake.suite variants=paper_cnn seeds=30 split=small
    python -m benchmarks.reliability.real_runs
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices are small: threads would only wait

from itertools import product

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from cifake.comparison.comparison import make_comparisons
from cifake.comparison.groups import Group
from cifake.comparison.run_store import RunStore
from cifake.comparison.runs import fetch_runs
from cifake.comparison.statistics.crossed_effects import CrossedEffects, Sample
from cifake.comparison.statistics.influence import INFLUENCE
from cifake.comparison.statistics.sequential import FUTILE, chance_of_telling, look_levels
from cifake.contract import describe_metric, higher_is_better

METRICS, SEEDS, DRAWS = ("f1", "accuracy", "loss", "roc_auc"), (3, 5, 10), 1500
LOOKS, LOOKED = range(3, 11), 1000


def sample_of(group: Group, labels: np.ndarray, metric: str) -> Sample:
    """Values and influence of all of a group's seeds, which are numbered from 0, in their order."""
    names = sorted(group.scores, key=int)
    values, influence = zip(*(INFLUENCE[metric](labels, group.scores[seed]) for seed in names), strict=True)
    return Sample(np.array(values), np.array(influence), names)


def drawn(sample: Sample, rows: np.ndarray, names: str | None = None) -> Sample:
    """Some of a group's seeds; with names, as if they were other seeds than any other group's."""
    seeds = [f"{names}{row}" if names else sample.seeds[row] for row in rows]
    return Sample(sample.values[rows], sample.influence[rows], seeds)


def compared(
    first: Sample, second: Sample, seeds: int, sign: int, rng: np.random.Generator
) -> dict[str, float]:
    """Shares of draws that find the first better, and widths, with common seeds and as if they were not."""
    counts = np.zeros(2)
    widths = []
    for _ in range(DRAWS):
        rows = rng.choice(min(len(first.seeds), len(second.seeds)), seeds, replace=False)
        paired = CrossedEffects([drawn(first, rows), drawn(second, rows)]).difference(0, 1)
        apart = CrossedEffects([drawn(first, rows), drawn(second, rows, "other ")]).difference(0, 1)
        both = (paired, apart)
        counts += [sign * (each.low if sign > 0 else each.high) > 0 for each in both]
        widths.append([each.high - each.low for each in both])
    width = np.array(widths)
    ratios = (np.median(width[:, 0] / width[:, 1]), width[:, 0].mean() / width[:, 1].mean())
    return dict(zip(("paired", "apart", "median", "mean"), (*(counts / DRAWS), *ratios), strict=True))


def correlation(first: Sample, second: Sample) -> float:
    """Of two groups' values over their common seeds."""
    seeds = min(len(first.seeds), len(second.seeds))
    return float(np.corrcoef(first.values[:seeds], second.values[:seeds])[0, 1])


def false_alarms(sample: Sample, seeds: int, rng: np.random.Generator) -> float:
    """Share of draws that call a variant different from itself with other seeds."""
    alarms = 0
    for _ in range(DRAWS):
        rows = rng.permutation(len(sample.seeds))[: 2 * seeds]
        parts = [drawn(sample, rows[:seeds]), drawn(sample, rows[seeds:])]
        alarms += CrossedEffects(parts).difference(0, 1).p < 0.05
    return alarms / DRAWS


def looked(first: Sample, second: Sample, rng: np.random.Generator) -> tuple[float, float, float]:
    """Seeds are added one by one, from 3 to 10, until it is told or given up; see ``cifake.suite.until``.

    Returns:
        Share of draws that tell the two apart, mean seeds of each, and the share that ten seeds tell apart.
    """
    told, ten, seeds, levels = 0, 0, 0, look_levels(LOOKS).tolist()
    same = first is second  # other seeds of the same variant
    for _ in range(LOOKED):
        rows = rng.permutation(min(len(first.seeds), len(second.seeds)))
        others = rows[LOOKS[-1] :] if same else rows
        open_ = True
        for number, level in zip(LOOKS, levels, strict=True):
            parts = [drawn(first, rows[:number]), drawn(second, others[:number], "other " if same else None)]
            crossed = CrossedEffects(parts)
            at = crossed.difference(0, 1, level)
            decided = at.low > 0 or at.high < 0
            chance = chance_of_telling(
                at.value, at.image_variance, at.seed_variance or 0.0, at.seed_sets, number, LOOKS[-1],
                levels[-1],
            )  # fmt: skip
            if open_ and (decided or chance < FUTILE or number == LOOKS[-1]):
                open_ = False
                told += decided
                seeds += number
        ten += crossed.difference(0, 1).p < 0.05
    return told / LOOKED, seeds / LOOKED, ten / LOOKED


def looks_table(samples: dict[str, dict[str, Sample]]) -> Table:
    """What looking saves."""
    table = Table(
        title=f"Looks at {LOOKS[0]} to {LOOKS[-1]} seeds, {LOOKED:,} draws: told apart, and mean seeds",
        title_justify="left",
    )
    for title in ("metric", "pair", "told apart", "by ten seeds", "mean seeds", "trainings saved"):
        table.add_column(title, justify="right" if len(table.columns) > 1 else "left")
    for metric, other in product(METRICS, ("epoch", "paper_cnn", "base")):
        of_metric = samples[metric]
        told, seeds, ten = looked(of_metric["base"], of_metric[other], np.random.default_rng(0))
        saved = 1 - seeds / LOOKS[-1]
        table.add_row(metric, f"base, {other}", f"{told:.3f}", f"{ten:.3f}", f"{seeds:.1f}", f"{saved:.0%}")
    return table


def load_samples() -> dict[str, dict[str, Sample]]:
    """By metric and variant."""
    store = RunStore()
    runs = fetch_runs(store, (), ("base", "epoch", "paper_cnn"), "small", "")
    (comparison,) = make_comparisons(store, runs, describe_metric("test/f1"))
    return {
        metric: {
            group.name: sample_of(group, comparison.images.labels, metric) for group in comparison.groups
        }
        for metric in METRICS
    }


def main() -> None:
    of_metrics = load_samples()
    runs, images = of_metrics["f1"]["base"].influence.shape
    table = Table(
        title=f"{DRAWS:,} draws of seeds from {runs}, {images:,} images; found "
        "better: share of draws, paired by seed (as if not paired)",
        title_justify="left",
    )
    for title in ("metric", "seeds", "base > epoch", "correlation", "base > paper_cnn", "correlation",
                  "width, paired / not: median", "mean", "base = base"):  # fmt: skip
        table.add_column(title, justify="right" if table.columns else "left")
    for metric, samples in track(of_metrics.items(), "drawing", console=Console(stderr=True)):
        sign = 1 if higher_is_better(metric) else -1
        base = samples["base"]
        for seeds in SEEDS:
            rng = np.random.default_rng(seeds)
            near, far = (compared(base, samples[name], seeds, sign, rng) for name in ("epoch", "paper_cnn"))
            r_near, r_far = (correlation(base, samples[name]) for name in ("epoch", "paper_cnn"))
            table.add_row(
                metric, str(seeds), f"{near['paired']:.2f} ({near['apart']:.2f})", f"{r_near:.2f}",
                f"{far['paired']:.2f} ({far['apart']:.2f})", f"{r_far:.2f}", f"{far['median']:.2f}",
                f"{far['mean']:.2f}", f"{100 * false_alarms(base, seeds, rng):.1f} %",
            )  # fmt: skip
    Console(width=140).print(table, looks_table(of_metrics))


if __name__ == "__main__":
    main()
