"""The figure of a search."""

import math
from collections.abc import Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cifake.config import Dimension, TunerSettings
from cifake.evaluation.figures import FAKE_COLOUR, NEUTRAL, REAL_COLOUR, STYLE
from cifake.search.trial import Trial

COLUMNS = 4


def search_figure(trials: Sequence[Trial], tuner: TunerSettings, space: Mapping[str, Dimension]) -> Figure:
    """Score against trial, and against each setting that took more than one value.

    Args:
        trials: by number.
        tuner: whose objective the score is.
        space: says which settings were sampled on a log scale.
    """
    done = [trial for trial in trials if trial.score is not None]
    names = sorted({name for trial in done for name in trial.values})
    log_names = tuple(key for key, value in space.items() if getattr(value, "sampling", "") == "log")
    varied = [name for name in names if len({str(t.values[name]) for t in done if name in t.values}) > 1]
    with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
        rows = math.ceil((1 + len(varied)) / COLUMNS)
        figure = Figure(figsize=(3.4 * COLUMNS, 2.8 * rows), layout="constrained")
        grid = figure.subplots(rows, COLUMNS, squeeze=False, sharey=True).ravel()
        _against_trial(grid[0], trials, tuner.higher_is_better)
        for axes, name in zip(grid[1:], varied, strict=False):
            _against_setting(axes, name, [trial for trial in done if name in trial.values])
            if name.startswith(log_names):
                axes.set_xscale("log")
        for axes in grid[1 + len(varied) :]:
            axes.axis("off")
        for axes in grid[::COLUMNS]:
            axes.set_ylabel(tuner.objective)
        failed = f", {len(trials) - len(done)} of them failed" if len(done) < len(trials) else ""
        figure.suptitle(f"{len(trials)} trials{failed}")
    return figure


def _against_trial(axes: Axes, trials: Sequence[Trial], higher_is_better: bool) -> None:
    done = [trial for trial in trials if trial.score is not None]
    numbers, scores = [trial.number for trial in done], np.array([trial.score for trial in done])
    best = np.maximum.accumulate(scores) if higher_is_better else np.minimum.accumulate(scores)
    axes.plot(numbers, scores, "o", color=REAL_COLOUR, markersize=4, label="a trial")
    axes.step(numbers, best, where="post", color="black", label="best so far")
    for trial in trials:
        if trial.score is None:
            axes.axvline(trial.number, color=FAKE_COLOUR, linestyle=":", label="failed")
    handles, labels = axes.get_legend_handles_labels()
    first = dict(zip(reversed(labels), reversed(handles), strict=True))
    axes.legend(first.values(), first.keys(), fontsize=8)
    axes.set_xlabel("trial")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _against_setting(axes: Axes, name: str, trials: Sequence[Trial]) -> None:
    values = [trial.values[name] for trial in trials]
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        values = [str(value) for value in values]
    axes.plot(values, np.array([trial.score for trial in trials]), "o", color=NEUTRAL, markersize=4)
    axes.set_xlabel(name)
