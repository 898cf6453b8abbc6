"""Figures of a comparison. One function a view; colours and order of groups are the same in all."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from cifake.comparison.comparison import Comparison, metric_title
from cifake.comparison.figures.style import GREY, MARKERS, legend, lines, mark
from cifake.comparison.statistics.reliability import reliability
from cifake.comparison.views.columns import level
from cifake.comparison.views.curves import learning_curves
from cifake.comparison.views.pareto import known_costs, pareto
from cifake.contract import describe_metric


def pareto_figure(comparison: Comparison) -> Figure:
    """The metric against each cost; a line joins the front, whose points are filled."""
    styles = {group.name: (colour, MARKERS[line]) for group, colour, line in lines(comparison)}
    rows = [row for row in pareto(comparison).rows if row[comparison.metric.key] is not None]
    figure, costs = Figure(figsize=(11, 3.6), layout="constrained"), known_costs(comparison)
    for axes, cost in zip(figure.subplots(1, len(costs), sharey=True, squeeze=False)[0], costs, strict=True):
        priced = [row for row in rows if row[cost] is not None]
        front = sorted((row for row in priced if row[f"{cost}_front"]), key=lambda row: row[cost])
        axes.plot(
            [row[cost] for row in front], [row[comparison.metric.key] for row in front], "-", color=GREY
        )
        for row in priced:
            if row["variant"] not in styles:
                axes.plot(row[cost], row[comparison.metric.key], ".", color=GREY)
                continue
            colour, marker = styles[row["variant"]]
            axes.plot(
                row[cost], row[comparison.metric.key], marker, color=colour,
                fillstyle="full" if row[f"{cost}_front"] else "none", label=row["variant"],
            )  # fmt: skip
        axes.set_xlabel(describe_metric(cost).title)
        axes.xaxis.set_major_formatter(_short)
        axes.xaxis.get_major_locator().set_params(nbins=4)
        axes.margins(0.2)
    figure.axes[0].set_ylabel(metric_title(comparison))
    if rows:
        legend(figure, comparison)
    return figure


def _short(value: float, _: object) -> str:
    """A number on an axis: ``1.5``, ``20``, ``4 k``, ``200 M``."""
    return EngFormatter()(value) if value >= 1000 else f"{value:g}"


def curves_figure(comparison: Comparison) -> Figure:
    """Validation loss and accuracy by epoch: mean over seeds, and the range of seeds as a band."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, key in zip(figure.subplots(1, 2), ("val/loss", "val/accuracy"), strict=True):
        for (group, colour, line), history in zip(
            lines(comparison), learning_curves(comparison, key), strict=False
        ):
            finite = np.isfinite(history)
            epochs = np.flatnonzero(finite.any(axis=0))
            if not epochs.size:
                continue
            history = np.where(finite, history, np.nan)[:, epochs]
            axes.plot(epochs + 1, np.nanmean(history, axis=0), line, color=colour, label=group.name)
            low, high = np.nanmin(history, axis=0), np.nanmax(history, axis=0)
            mark(axes.fill_between(epochs + 1, low, high, color=colour, alpha=0.15, linewidth=0), group.name)
        axes.set(xlabel="epoch", ylabel=key)
        axes.xaxis.get_major_locator().set_params(integer=True)
    legend(figure, comparison)
    return figure


def calibration_figure(comparison: Comparison) -> Figure:
    """Share of FAKE among images with the same score, over all seeds, with a band for each bin's interval."""
    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], ":", color=GREY, label="perfect")
    for group, colour, line in lines(comparison):
        if not group.scores or comparison.images is None:
            continue
        bins = reliability(comparison.images.labels, group.scores, comparison.confidence)
        scores = [each.score for each in bins]
        axes.plot(scores, [each.share for each in bins], line, marker=".", color=colour, label=group.name)
        low, high = [each.low for each in bins], [each.high for each in bins]
        axes.fill_between(scores, low, high, color=colour, alpha=0.15, linewidth=0)
    axes.set(
        xlabel="probability of FAKE", ylabel=f"share that is FAKE, {level(comparison)} interval of each bin"
    )
    legend(figure, comparison)
    return figure
