"""Figures of a comparison. One function a view; colours and order of groups are the same in all."""

import numpy as np
from matplotlib.figure import Figure

from cifake.comparison.comparison import Comparison, metric_title
from cifake.comparison.figures.style import GREY, heat_map, legend, lines, mark
from cifake.comparison.views.curves import learning_curves
from cifake.comparison.views.pareto import COSTS, pareto
from cifake.comparison.views.slices import object_parts
from cifake.contract import describe_metric
from cifake.evaluation.metrics import ECE_BINS


def slices_figure(comparison: Comparison) -> Figure:
    """The metric by group and object class as a heat map; dark is weak."""
    parts = object_parts(comparison)
    groups = [group for group in comparison.groups if group.scores]
    estimates = [[of_class.mean(group) for _, of_class in parts.values()] for group in groups]
    values = np.array([[e.value if e else np.nan for e in row] for row in estimates])
    figure = Figure(figsize=(9, 1.2 + 0.4 * len(groups)), layout="constrained")
    axes = figure.subplots()
    up = bool(comparison.metric.higher_is_better)
    heat_map(axes, values, [group.name for group in groups], list(parts), ".3f", up=up)
    axes.set_title(f"{metric_title(comparison)} by object class", fontsize=9, loc="left")
    return figure


def pareto_figure(comparison: Comparison) -> Figure:
    """The metric against each cost; a line joins the front, whose points are filled."""
    colours = {group.name: colour for group, colour, _ in lines(comparison)}
    rows = [row for row in pareto(comparison).rows if row[comparison.metric.key] is not None]
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    for axes, cost in zip(figure.subplots(1, len(COSTS), sharey=True), COSTS, strict=True):
        priced = [row for row in rows if row[cost] is not None]
        front = sorted((row for row in priced if row[f"{cost}_front"]), key=lambda row: row[cost])
        axes.plot(
            [row[cost] for row in front], [row[comparison.metric.key] for row in front], "-", color=GREY
        )
        for row in priced:
            axes.plot(
                row[cost], row[comparison.metric.key], "o", color=colours.get(row["variant"], GREY),
                fillstyle="full" if row[f"{cost}_front"] else "none", label=row["variant"],
            )  # fmt: skip
        described = describe_metric(cost)
        axes.set_xlabel(described.title)
        axes.xaxis.set_major_formatter(lambda value, _, form=described.form: format(value, form))
        axes.xaxis.get_major_locator().set_params(nbins=4)
        axes.margins(0.2)
    figure.axes[0].set_ylabel(metric_title(comparison))
    if rows:
        legend(figure)
    return figure


def curves_figure(comparison: Comparison) -> Figure:
    """Validation loss and accuracy by epoch: mean over seeds, and the range of seeds as a band."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, key in zip(figure.subplots(1, 2), ("val/loss", "val/accuracy"), strict=True):
        for (group, colour, line), history in zip(
            lines(comparison), learning_curves(comparison, key), strict=False
        ):
            if not history.size:
                continue
            epochs = np.arange(1, history.shape[1] + 1)
            axes.plot(epochs, np.nanmean(history, axis=0), line, color=colour, label=group.name)
            low, high = np.nanmin(history, axis=0), np.nanmax(history, axis=0)
            mark(axes.fill_between(epochs, low, high, color=colour, alpha=0.15, linewidth=0), group.name)
        axes.set(xlabel="epoch", ylabel=key)
        axes.xaxis.get_major_locator().set_params(integer=True)
    legend(figure)
    return figure


def calibration_figure(comparison: Comparison) -> Figure:
    """Share of FAKE among images with the same score, over all seeds."""
    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], ":", color=GREY, label="perfect")
    for group, colour, line in lines(comparison):
        if not group.scores or comparison.images is None:
            continue
        scores = np.concatenate(list(group.scores.values())).astype(float)
        labels = np.tile(comparison.images.labels, len(group.scores))
        bins = np.minimum((scores * ECE_BINS).astype(int), ECE_BINS - 1)
        counts = np.bincount(bins, minlength=ECE_BINS)
        filled = counts > 0
        mean_score, share = (
            np.bincount(bins, weights, minlength=ECE_BINS)[filled] / counts[filled]
            for weights in (scores, labels)
        )
        axes.plot(mean_score, share, line, marker=".", color=colour, label=group.name)
    axes.set(xlabel="probability of FAKE", ylabel="share that is FAKE")
    legend(figure)
    return figure
