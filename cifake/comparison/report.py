"""A comparison as an object: views as methods, verdicts, formats."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial, partialmethod

import pandas as pd

from cifake.comparison.comparison import make_comparisons
from cifake.comparison.condition import parse_condition
from cifake.comparison.gate import Verdict, judge, verdict_section
from cifake.comparison.groups import name_list
from cifake.comparison.predictions import is_of_predictions
from cifake.comparison.promotion import Challenge, challenge
from cifake.comparison.provenance import provenance
from cifake.comparison.ranking_metric import find_metric, with_direction
from cifake.comparison.render import FORMATS
from cifake.comparison.render.html import html
from cifake.comparison.run_source import RunSource
from cifake.comparison.runs import GROUP, with_seeds, with_value
from cifake.comparison.table import Section
from cifake.comparison.view import NEED_PREDICTIONS, VIEW_ARGUMENTS, View
from cifake.comparison.views import VIEWS
from cifake.contract import CIFAKE
from cifake.core.errors import RunError


class Report(View):
    """A comparison: the leaderboard itself, and the other views as methods; see ``compare``."""

    def __init__(
        self,
        store: RunSource,
        runs: pd.DataFrame,
        metric: str,
        direction: str | None,
        top: int | None,
        baseline: str | None,
        confidence: float,
        margin: float = 0.0,
        min_seeds: int = 1,
    ):
        self.store = store
        valued = with_value(store, runs, metric)
        self.metric = with_direction(find_metric(valued, metric), direction)
        self.runs = with_seeds(valued, self.metric.key, min_seeds)
        self._compare = partial(make_comparisons, store, confidence=confidence, margin=margin)
        super().__init__("leaderboard", self._compare(self.runs, self.metric, top, baseline))

    def view(self, name: str, *arguments: str) -> View:
        """A view by name.

        Args:
            name: a key of VIEWS.
            arguments: the settings of a pivot's rows and columns, the file of near-copies; other views take
                none.

        Raises:
            RunError: it needs predictions and the metric is not of predictions, or it needs arguments.
        """
        if name in NEED_PREDICTIONS and not is_of_predictions(self.metric.key):
            raise RunError(
                f"the view {name} needs a metric of predictions such as f1, received {self.metric.key}"
            )
        if (needed := VIEW_ARGUMENTS.get(name)) and not arguments:
            raise RunError(f"{name}: expected {needed}, received none")
        return self if name == self.name else View(name, self.comparisons, *arguments)

    leaderboard = partialmethod(view, "leaderboard")
    pairwise = partialmethod(view, "pairwise")
    settings = partialmethod(view, "settings")
    pivot = partialmethod(view, "pivot")
    slices = partialmethod(view, "slices")
    images = partialmethod(view, "images")
    pareto = partialmethod(view, "pareto")
    curves = partialmethod(view, "curves")
    calibration = partialmethod(view, "calibration")
    noise = partialmethod(view, "noise")
    trials = partialmethod(view, "trials")
    robustness = partialmethod(view, "robustness")
    test_sets = partialmethod(view, "test_sets")
    near_copies = partialmethod(view, "near_copies")
    every_run = partialmethod(view, "runs")  # ``runs`` is their frame

    def check(self, *conditions: str, allow_single_seed: bool = False) -> list[Verdict]:
        """Verdicts on every group that was read, for conditions such as ``f1 < 0.93``.

        Args:
            conditions: what must not be.
            allow_single_seed: decide on one seed, too, where training noise is not in the interval.

        Raises:
            ConfigError: a condition that cannot be read.
            RunError: an unknown metric or baseline, or no row but the baseline.
        """
        verdicts = []
        for condition in [parse_condition(each) for each in conditions]:
            runs = with_value(self.store, self.runs, condition.metric)
            metric = find_metric(runs, condition.metric)
            if metric.higher_is_better is None:
                metric = replace(metric, higher_is_better=condition.sign < 0)
            comparisons = self._compare(runs, metric, baseline=condition.baseline)
            judged = [
                verdict
                for comparison in comparisons
                for verdict in judge(condition, comparison, allow_single_seed)
            ]
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
        hashes = self.runs.loc[self.runs["run_id"] == champion, GROUP]
        settings = None if champion is None else next(iter(hashes), "")
        return challenge(self._compare(self.runs, self.metric), settings)

    def render(
        self,
        form: str = "text",
        view: str = "leaderboard",
        verdicts: Sequence[Verdict] = (),
        pivot: Sequence[str] = (),
        near_copies: str = "",
    ) -> str:
        """The report as text of a format; html has every view with a row.

        Args:
            form: a key of FORMATS.
            view: the view for formats other than html.
            verdicts: to add, where the format has a place for them.
            pivot: the settings of a pivot's rows and columns; html has one where they are given.
            near_copies: the file of near-copies; html has the view where it is given.
        """
        judged = [verdict_section(verdicts)] if verdicts else []
        arguments: dict[str, Sequence[str]] = {
            "pivot": pivot,
            "near_copies": [near_copies] if near_copies else [],
        }
        if form == "html":
            predicted = is_of_predictions(self.metric.key)
            names = [
                name
                for name in VIEWS
                if (predicted or name not in NEED_PREDICTIONS) and (name not in arguments or arguments[name])
            ]
            views = [self.view(name, *arguments.get(name, ())) for name in names]
            sections = [each.section() for each in views if any(table.rows for table in each.tables)]
            sections[1:1] = judged
            return html(sections, self._title(), provenance(self.store.address))
        return FORMATS[form]([Section(view, self.view(view, *arguments.get(view, ())).tables), *judged])

    def _title(self) -> str:
        groups = [group for comparison in self.comparisons for group in comparison.groups]
        counts = {"variant": len(groups), "run": sum(len(group.runs) for group in groups)}
        of = ", ".join(f"{count} {noun}{'s' * (count != 1)}" for noun, count in counts.items())
        data = list(dict.fromkeys(comparison.metadata["dataset"] for comparison in self.comparisons))
        return f"{self.metric.title} of {of}{'' if data == [CIFAKE] else f' on {name_list(data)}'}"
