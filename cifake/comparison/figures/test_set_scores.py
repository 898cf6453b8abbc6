"""The figure of the view test_sets."""

from matplotlib.figure import Figure

from cifake.comparison.comparison import Comparison
from cifake.comparison.figures.style import GREY, MARKERS, legend, lines, mark, short_name
from cifake.comparison.views.columns import level
from cifake.comparison.views.test_sets import test_sets

PANELS = {"accuracy": "accuracy", "roc_auc": "ROC AUC"}
BAND = 0.7  # share of a set's height that its groups have
ROW, SET, FRAME = 0.2, 0.2, 0.9  # inches: of a group, between sets, of titles


def test_sets_figure(comparison: Comparison) -> Figure:
    """Accuracy and ROC AUC of each group on each set, with intervals; guessing has the dotted ROC AUC."""
    rows = test_sets(comparison).rows
    sets = list(dict.fromkeys(row["set"] for row in rows))
    evaluated = {row["variant"] for row in rows}
    drawn = [each for each in lines(comparison) if each[0].name in evaluated]
    figure = Figure(figsize=(10, FRAME + len(sets) * (SET + ROW * len(drawn))), layout="constrained")
    panels = figure.subplots(1, len(PANELS), sharey=True)
    for axes, (key, title) in zip(panels, PANELS.items(), strict=True):
        for place, (group, colour, line) in enumerate(drawn):
            own = [row for row in rows if row["variant"] == group.name]
            offset = BAND * ((place + 0.5) / len(drawn) - 0.5)
            heights = [sets.index(row["set"]) + offset for row in own]
            axes.plot([row[key] for row in own], heights, MARKERS[line], color=colour, label=group.name)
            for height, row in zip(heights, own, strict=True):
                if row[f"{key}_low"] is not None:
                    ends = [row[f"{key}_low"], row[f"{key}_high"]]
                    (interval,) = axes.plot(ends, [height, height], line, color=colour, linewidth=2)
                    mark(interval, group.name)
        axes.set_xlabel(f"{title}, {level(comparison)} interval")
    panels[1].axvline(0.5, linestyle=":", color=GREY)
    panels[0].set_yticks(range(len(sets)), [short_name(name) for name in sets])
    panels[0].set_ylim(len(sets) - 0.5, -0.5)
    legend(figure, comparison)
    return figure
