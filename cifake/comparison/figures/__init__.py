"""Figures of a comparison. A figure is one function a view, listed in FIGURES."""

from collections.abc import Callable

from matplotlib.figure import Figure

from cifake.comparison.figures.forest import forest_figure
from cifake.comparison.figures.matrices import pairwise_figure, pivot_figure, slices_figure
from cifake.comparison.figures.noise_shares import noise_figure
from cifake.comparison.figures.panels import calibration_figure, curves_figure, pareto_figure
from cifake.comparison.figures.robustness_curves import robustness_figure
from cifake.comparison.figures.test_set_scores import test_sets_figure
from cifake.comparison.figures.thumbnails import images_figure

FIGURES: dict[str, Callable[..., Figure]] = {
    "leaderboard": forest_figure,
    "pairwise": pairwise_figure,
    "pivot": pivot_figure,
    "slices": slices_figure,
    "images": images_figure,
    "pareto": pareto_figure,
    "curves": curves_figure,
    "calibration": calibration_figure,
    "noise": noise_figure,
    "robustness": robustness_figure,
    "test_sets": test_sets_figure,
}
