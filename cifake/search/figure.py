"""The figure of a search."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullFormatter

from cifake.config import Settings, TunerSettings
from cifake.contract import describe_metric, variant_colour
from cifake.evaluation.run_figures import COLUMNS, NEUTRAL, STYLE, panel_grid
from cifake.search.trial import Trial

MARKERS = "os^Dvp*hX"  # of layers, the first one first
LINE_OF_TICKS = 16  # characters side by side below a panel; more are turned
LAYER = re.compile(r"(.+)\.(\d+)")
Points = Mapping[int, list[tuple[Any, float]]]  # values of a setting with the trials' scores, by layer


def search_figure(
    trials: Sequence[Trial], best: Trial, tuner: TunerSettings, settings: Settings, variant: str
) -> Figure:
    """Score against trial, and against each setting that took more than one value.

    The layers of a setting share a panel, a marker each, so that no panel holds a few deep models alone.

    Args:
        trials: by number.
        best: one of them; a line in the variant's colour is at its score.
        tuner: whose objective the score is.
        settings: with the space in ``search``.
        variant: the name of the search.
    """
    varied = {
        name: points
        for name, points in _by_setting(trials).items()
        if len({str(value) for of_layer in points.values() for value, _ in of_layer}) > 1
    }
    failed = sum(trial.score is None for trial in trials)
    form, score = describe_metric(tuner.objective).form, float(best.score or 0)
    with matplotlib.rc_context(STYLE):  # type: ignore[arg-type]
        figure, panels = panel_grid(1 + len(varied), 2.2, sharey=True)
        _against_trial(panels[0], trials, tuner.higher_is_better)
        for axes, (name, points) in zip(panels[1:], varied.items(), strict=True):
            _against_setting(axes, name, points, settings)
        for axes in panels:
            axes.axhline(score, color=variant_colour(variant), linewidth=0.8)
        for axes in panels[::COLUMNS]:
            axes.set_ylabel(tuner.objective)
        handles, _ = panels[0].get_legend_handles_labels()
        depth = max((max(points) for points in varied.values()), default=0)
        handles += [_layer(layer) for layer in range(depth + 1) if depth]
        figure.legend(handles=handles, loc="outside lower center", ncols=6, fontsize=8)
        figure.suptitle(
            f"{variant} seed {settings.seed}: {len(trials)} trials of {tuner.kind}"
            f"{f', {failed} of them failed' if failed else ''}\n"
            f"coloured line: the best, trial {best.number}, {tuner.objective} {score:{form}}"
        )
    return figure


def _layer(layer: int) -> Line2D:
    """The entry of a layer in the legend."""
    marker = MARKERS[layer % len(MARKERS)]
    return Line2D([], [], color=NEUTRAL, marker=marker, linestyle="", label=f"layer {layer + 1}")


def _by_setting(trials: Sequence[Trial]) -> dict[str, Points]:
    """Values with scores by setting, then layer: that of ``model.filters.1`` is 1, of others 0."""
    settings: defaultdict[str, dict[int, list[tuple[Any, float]]]] = defaultdict(lambda: defaultdict(list))
    for trial in trials:
        if trial.score is None:
            continue
        for key, value in trial.values.items():
            of_layer = LAYER.fullmatch(key)
            name, layer = (of_layer[1], int(of_layer[2])) if of_layer else (key, 0)
            settings[name][layer].append((value, trial.score))
    return {name: dict(sorted(settings[name].items())) for name in sorted(settings)}


def _against_trial(axes: Axes, trials: Sequence[Trial], higher_is_better: bool) -> None:
    done = [trial for trial in trials if trial.score is not None]
    numbers, scores = [trial.number for trial in done], np.array([trial.score for trial in done])
    best = np.maximum.accumulate(scores) if higher_is_better else np.minimum.accumulate(scores)
    axes.plot(numbers, scores, "o", color=NEUTRAL, markersize=4, label="a trial")
    axes.step(numbers, best, where="post", color="black", label="best so far")
    if failed := [trial.number for trial in trials if trial.score is None]:
        below = axes.get_xaxis_transform()  # they have no score: at the foot of the panel
        axes.plot(failed, [0.03] * len(failed), "x", color="black", transform=below, label="failed")
    axes.set_xlabel("trial")
    axes.set_xlim(trials[0].number - 0.5, trials[-1].number + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def _against_setting(axes: Axes, name: str, points: Points, settings: Settings) -> None:
    dimension = (settings.search or {}).get(name)
    values = [value for of_layer in points.values() for value, _ in of_layer]
    choices = getattr(dimension, "values", None)
    axes.set_xlabel(name, fontsize=9)
    for layer, of_layer in points.items():
        at = [choices.index(value) if choices else value for value, _ in of_layer]
        if choices and len(points) > 1:
            at = [place + 0.2 * (layer - max(points) / 2) for place in at]
        scores = [score for _, score in of_layer]
        axes.plot(at, scores, MARKERS[layer % len(MARKERS)], color=NEUTRAL, alpha=0.7, markersize=4)
    if choices:
        turned = sum(len(str(choice)) + 1 for choice in choices) > LINE_OF_TICKS
        axes.set_xticks(range(len(choices)), [str(choice) for choice in choices], fontsize=8)
        axes.tick_params(axis="x", rotation=40 if turned else 0)
        axes.set_xlim(-0.5, len(choices) - 0.5)
    elif getattr(dimension, "sampling", "") == "log":
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        ends = np.geomspace(min(values), max(values), 3)
        axes.set_xticks(
            ends, [f"{value:.1e}" if value < 0.01 else f"{value:.3g}" for value in ends], fontsize=8
        )
    else:
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=all(isinstance(value, int) for value in values)))
