"""Views: from a comparison to a table. A view is one function, listed in VIEWS."""

from collections.abc import Callable

from cifake.comparison.table import Table
from cifake.comparison.views.calibration import calibration
from cifake.comparison.views.curves import curves
from cifake.comparison.views.images import images
from cifake.comparison.views.leaderboard import leaderboard
from cifake.comparison.views.near_copies import near_copies
from cifake.comparison.views.noise import noise
from cifake.comparison.views.pairwise import pairwise
from cifake.comparison.views.pareto import pareto
from cifake.comparison.views.pivot import pivot
from cifake.comparison.views.robustness import robustness
from cifake.comparison.views.run_list import runs
from cifake.comparison.views.settings import settings
from cifake.comparison.views.slices import slices
from cifake.comparison.views.test_sets import test_sets
from cifake.comparison.views.trials import trials

VIEWS: dict[str, Callable[..., Table]] = {  # of a comparison; see VIEW_ARGUMENTS
    view.__name__: view
    for view in (
        leaderboard, pairwise, settings, pivot, slices, images, pareto, curves, calibration, noise, trials,
        robustness, test_sets, near_copies, runs,
    )
}  # fmt: skip
