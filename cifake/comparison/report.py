"""A comparison as an object: views as methods, verdicts, formats."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pandas as pd

from cifake.comparison.comparison import make_comparisons
from cifake.comparison.condition import parse_condition
from cifake.comparison.gate import Verdict, judge, verdict_section
from cifake.comparison.predictions import is_of_predictions
from cifake.comparison.promotion import Challenge, challenge
from cifake.comparison.ranking_metric import find_metric, with_direction
from cifake.comparison.render import FORMATS
from cifake.comparison.run_store import RunStore
from cifake.comparison.runs import of_kept_epoch
from cifake.comparison.table import Section
from cifake.comparison.view import NEED_PREDICTIONS, View
from cifake.comparison.views import VIEWS
from cifake.contract import CONFIG_HASH_TAG
from cifake.core.errors import RunError


class Report(View):
    """A comparison: the leaderboard itself, and the other views as methods.

    Args:
        store: that the runs are from.
        runs: see ``fetch_runs``.
        metric: in short (``f1``) or a whole key (``val/loss``).
        direction: ``higher`` or ``lower``, for a metric whose direction is not declared.
        top: groups to show of each data set and split; None shows all.
        baseline: what differences are taken from; None is the best group.
        confidence: level of intervals and tests.
        margin: a difference that does not matter.

    Raises:
        ConfigError: a metric of unknown direction.
        RunError: an unknown metric or baseline.
    """

    def __init__(
        self,
        store: RunStore,
        runs: pd.DataFrame,
        metric: str,
        direction: str | None,
        top: int | None,
        baseline: str | None,
        confidence: float,
        margin: float = 0.0,
    ):
        self.store = store
        self.metric = with_direction(find_metric(runs, metric), direction)
        self.runs = of_kept_epoch(store, runs, self.metric.key)
        self._compare = partial(make_comparisons, store, confidence=confidence, margin=margin)
        super().__init__("leaderboard", self._compare(self.runs, self.metric, top, baseline))

    def view(self, name: str) -> View:
        """A view by name.

        Raises:
            RunError: it needs predictions and the metric is not of predictions.
        """
        if name in NEED_PREDICTIONS and not is_of_predictions(self.metric.key):
            raise RunError(
                f"the view {name} needs a metric of predictions such as f1, received {self.metric.key}"
            )
        return self if name == self.name else View(name, self.comparisons)

    def leaderboard(self) -> View:
        """Best first, each against the best or the baseline."""
        return self.view("leaderboard")

    def pairwise(self) -> View:
        """Every pair."""
        return self.view("pairwise")

    def settings(self) -> View:
        """The settings that differ, beside the metric."""
        return self.view("settings")

    def slices(self) -> View:
        """The metric by object class, weakest first."""
        return self.view("slices")

    def pareto(self) -> View:
        """The metric against costs."""
        return self.view("pareto")

    def curves(self) -> View:
        """Validation loss by epoch."""
        return self.view("curves")

    def calibration(self) -> View:
        """Whether probabilities mean what they say."""
        return self.view("calibration")

    def trials(self) -> View:
        """What the searches have tried, best first."""
        return self.view("trials")

    def robustness(self) -> View:
        """Accuracy under each perturbation and attack."""
        return self.view("robustness")

    def test_sets(self) -> View:
        """Accuracy and ROC AUC on other test sets."""
        return self.view("test_sets")

    def check(self, *conditions: str) -> list[Verdict]:
        """Verdicts on every group that was read, for conditions such as ``f1 < 0.93``.

        Raises:
            ConfigError: a condition that cannot be read.
            RunError: an unknown metric or baseline, or no row but the baseline.
        """
        verdicts = []
        for condition in [parse_condition(each) for each in conditions]:
            metric = find_metric(self.runs, condition.metric)
            if metric.higher_is_better is None:
                metric = replace(metric, higher_is_better=condition.sign < 0)
            runs = of_kept_epoch(self.store, self.runs, metric.key)
            comparisons = self._compare(runs, metric, baseline=condition.baseline)
            judged = [verdict for comparison in comparisons for verdict in judge(condition, comparison)]
            if not judged:
                raise RunError(
                    f"nothing to judge by '{condition.text}': {condition.baseline} is the only row"
                )
            verdicts += judged
        return verdicts

    def challenge(self, champion: str | None) -> Challenge:
        """Whether the best group may take the place of the champion.

        Args:
            champion: the run of the registered model; None where there is none.
        """
        hashes = self.runs.loc[self.runs["run_id"] == champion, CONFIG_HASH_TAG]
        settings = None if champion is None else next(iter(hashes), "")
        return challenge(self._compare(self.runs, self.metric), settings)

    def render(self, form: str = "text", view: str = "leaderboard", verdicts: Sequence[Verdict] = ()) -> str:
        """The report as text of a format; html has every view with a row.

        Args:
            form: a key of FORMATS.
            view: the view for formats other than html.
            verdicts: to add, where the format has a place for them.
        """
        if form == "html":
            names = [
                name for name in VIEWS if name not in NEED_PREDICTIONS or is_of_predictions(self.metric.key)
            ]
            sections = [self.view(name).section() for name in names]
            sections = [section for section in sections if any(table.rows for table in section.tables)]
        else:
            sections = [Section(view, self.view(view).tables)]
        return FORMATS[form]([*sections, *([verdict_section(verdicts)] if verdicts else [])])
