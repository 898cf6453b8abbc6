"""The leaderboard as a forest plot: means on the left, differences from the reference on the right."""

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cifake.comparison.comparison import Comparison, metric_title
from cifake.comparison.conclusion import headline
from cifake.comparison.estimates import trivial_baseline
from cifake.comparison.figures.style import GREY, VERDICT_COLOURS, mark, short_name
from cifake.comparison.groups import Group
from cifake.comparison.runs import SEED
from cifake.comparison.standings import Standing, standings
from cifake.comparison.statistics.crossed_effects import Estimate
from cifake.comparison.views.columns import level

WIDTH, ROW = 12, 0.58  # inches
TITLE_LINE, SETTINGS_LINE = 120, 54  # characters
TICKS = 5  # at most: panels are narrow where names are long
BELOW_NAME = 7  # points


def forest_figure(comparison: Comparison) -> Figure:
    """Mean, seeds and interval of each group, and its paired difference, coloured by verdict.

    Groups with one seed have dashed intervals; the value of a constant answer is dotted, where it is in
    range. Without any difference to show there is one panel.
    """
    rows = [row for row in standings(comparison) if row.group.mean(comparison.metric.key) is not None]
    tested = any(row.difference for row in rows)
    title = textwrap.fill(headline(comparison, rows or standings(comparison)), TITLE_LINE)
    height = 1.3 + 0.2 * (title.count("\n") + 1) + ROW * len(rows)
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    left, *right = figure.subplots(1, 2 if tested else 1, sharey=True, squeeze=False)[0]
    _means(left, comparison, rows)
    if right:
        _differences(right[0], comparison, rows)
    left.set_ylim(len(rows) - 0.5, -0.6)
    return figure


def _means(axes: Axes, comparison: Comparison, rows: Sequence[Standing]) -> None:
    for place, row in enumerate(rows):
        colour = _colour(comparison, row)
        values = row.group.values(comparison.metric.key)
        (seeds,) = axes.plot(values, [place] * len(values), "o", color=colour, alpha=0.35, markersize=3.5)
        mark(seeds, row.group.name, _seed_texts(comparison, row.group))
        _interval(axes, row, row.mean, place, colour, dashed=len(row.group.scores) == 1)
        (mean,) = axes.plot(values.mean(), place, "D", color=colour)
        mark(mean, row.group.name, [_text(comparison, row, values.mean(), row.mean)])
        below = "reference" if row.group is comparison.reference else row.changes
        one_seed = "one seed" if len(row.group.runs) == 1 else ""
        axes.annotate(
            textwrap.fill("; ".join(filter(None, (below, one_seed))), SETTINGS_LINE),
            (0, place),
            (-BELOW_NAME, -BELOW_NAME),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=8,
            color=GREY,
            annotation_clip=False,
        )
    axes.set_yticks(range(len(rows)), [short_name(row.group.name) for row in rows])
    for label in axes.get_yticklabels():
        label.set_verticalalignment("bottom" if len(rows) > 1 else "center")
    _trivial(axes, comparison)
    interval = f"mean and {level(comparison)} interval" if any(row.mean for row in rows) else "mean and seeds"
    axes.set_xlabel(f"{metric_title(comparison)}\n{interval}")
    axes.locator_params(axis="x", nbins=TICKS)


def _trivial(axes: Axes, comparison: Comparison) -> None:
    """A dotted line at the value of a constant answer; one out of range would squeeze the groups together."""
    trivial = trivial_baseline(comparison)
    low, high = axes.get_xlim()
    if trivial is None or not low <= trivial[0] <= high:
        return
    value, answer = trivial
    axes.axvline(value, linestyle=":", color=GREY)
    axes.annotate(
        f"always {answer} {value:{comparison.metric.form}}", (value, 1), (0, 2), ha="center", va="bottom",
        xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=8,
    )  # fmt: skip


def _differences(axes: Axes, comparison: Comparison, rows: Sequence[Standing]) -> None:
    axes.axvline(0, color=VERDICT_COLOURS["reference"], linewidth=1)
    for place, row in enumerate(rows):
        colour = _colour(comparison, row)
        if row.difference:
            adjusted = row.difference.adjusted
            _interval(axes, row, adjusted, place, colour, dashed=adjusted.seed_variance is None)
            (point,) = axes.plot(adjusted.value, place, "o", color=colour)
            mark(point, row.group.name, [_text(comparison, row, adjusted.value, adjusted, "+")])
        axes.annotate(
            _said(comparison, row), (1, place), (8, 0), va="center", fontsize=9, color=colour,
            xycoords=("axes fraction", "data"), textcoords="offset points", annotation_clip=False,
        )  # fmt: skip
    if comparison.margin:
        axes.axvspan(-comparison.margin, comparison.margin, color=GREY, alpha=0.15, linewidth=0)
    axes.tick_params(left=False)
    axes.set_xlabel(f"difference from {comparison.reference.name}\n{level(comparison)} interval")
    axes.locator_params(axis="x", nbins=TICKS)


def _said(comparison: Comparison, row: Standing) -> str:
    if row.group is comparison.reference:
        return "reference"
    if row.difference is None:
        return "not tested"
    p = row.difference.adjusted.p
    numbers = f"{row.difference.adjusted.value:+{comparison.metric.form}}  {row.verdict}"
    help_ = f"\n{row.help}" if row.help else ""
    return f"{numbers}, p {'< 0.001' if p < 0.001 else f'{p:.3f}'}{help_}"


def _interval(
    axes: Axes, row: Standing, estimate: Estimate | None, place: int, colour: str, dashed: bool
) -> None:
    if estimate:
        ends = [estimate.low, estimate.high]
        (line,) = axes.plot(ends, [place, place], "--" if dashed else "-", color=colour, linewidth=2)
        mark(line, row.group.name)


def _text(
    comparison: Comparison, row: Standing, value: float, estimate: Estimate | None, sign: str = ""
) -> str:
    """What a page shows on hover: ``base: 0.8182 [0.7929, 0.8436]``."""
    form = f"{sign}{comparison.metric.form}"
    interval = f" [{estimate.low:{form}}, {estimate.high:{form}}]" if estimate else ""
    return f"{row.group.name}: {value:{form}}{interval}"


def _seed_texts(comparison: Comparison, group: Group) -> list[str]:
    runs = group.runs.dropna(subset=comparison.metric.key)
    return [
        f"{group.name}, seed {seed}: {value:{comparison.metric.form}}"
        for seed, value in zip(runs[SEED], runs[comparison.metric.key], strict=True)
    ]


def _colour(comparison: Comparison, row: Standing) -> str:
    key = "reference" if row.group is comparison.reference else row.verdict
    return VERDICT_COLOURS.get(key or "", GREY)
