"""Views: from a comparison to a table. A view is one function, listed in VIEWS."""

from collections.abc import Callable

from cifake.comparison.comparison import Comparison
from cifake.comparison.table import Table
from cifake.comparison.views.calibration import calibration
from cifake.comparison.views.curves import curves
from cifake.comparison.views.leaderboard import leaderboard
from cifake.comparison.views.pairwise import pairwise
from cifake.comparison.views.pareto import pareto
from cifake.comparison.views.robustness import robustness
from cifake.comparison.views.settings import settings
from cifake.comparison.views.slices import slices
from cifake.comparison.views.test_sets import test_sets
from cifake.comparison.views.trials import trials

VIEWS: dict[str, Callable[[Comparison], Table]] = {
    view.__name__: view
    for view in (
        leaderboard,
        pairwise,
        settings,
        slices,
        pareto,
        curves,
        calibration,
        trials,
        robustness,
        test_sets,
    )
}
