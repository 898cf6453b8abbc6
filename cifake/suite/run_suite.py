"""A suite from its plan to its ranking."""

import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from cifake.comparison import compare
from cifake.core.errors import DEFECT, Terminated
from cifake.suite.display import Display
from cifake.suite.jobs import ENDS, Engine, Event, RunContext
from cifake.suite.options import Options
from cifake.suite.plan import describe, look_up, make_jobs
from cifake.tracking.descriptions import log_ranking
from cifake.tracking.queries import experiment_of, experiments_of
from cifake.tracking.suite_run import open_store, suite_run
from cifake.tracking.ui import describe_address, prepare_experiment


class Suite:
    """The runs of a suite; everything is checked, and the plan is made, before anything is trained.

    Args:
        options: the suite's own options.
        overrides: settings of all runs.
        engine: trains the runs.

    Raises:
        ConfigError, DataError, RunError: a setting, the data or the store cannot be used.
    """

    def __init__(self, options: Options, overrides: Mapping[str, Any], engine: Engine) -> None:
        self.options, self.engine = options, engine
        jobs = make_jobs(options.variants, options.seeds, overrides)
        self.experiment = open_store()
        self.jobs = look_up(jobs, options.force)
        # Not the capacity for what is left to do: the number of threads changes last digits.
        self.capacity = engine.capacity(len(jobs))
        self.plan = describe(self.jobs, self.capacity)
        self.ended: list[Event] = []

    def train(self) -> None:
        """Train what is missing, in a run of the suite's own."""
        options, todo = self.options, [job for job in self.jobs if job.state != "reuse"]
        params = {"variants": ",".join(options.variants), "seeds": options.seeds, "force": options.force}
        with suite_run(f"suite of {len(self.jobs)} runs", self.plan, params) as (run_id, failures):
            self.run_id = run_id
            run_context = RunContext(run_id, self.experiment, self.capacity.threads, options.force)
            try:
                display = Display(todo, Console(stderr=True))
                with display.progress:
                    for event in self.engine.execute(todo, self.capacity.count, run_context):
                        display.show(event)
                        if event.kind in ENDS:
                            self.ended.append(event)
            except (KeyboardInterrupt, Terminated):
                progress = f"{len(self.ended)} of {len(todo)} runs ended"
                print(f"stopped: {progress}; the same command resumes", file=sys.stderr)
                raise
            failures += [f"{self.jobs[event.job].name}: {event.text}" for event in self._failed()]

    def rank(self) -> None:
        """Print the ranking, log it to the suite's run, and print where a browser shows all runs."""
        run_ids = [job.run_id for job in self.jobs] + [event.run_id for event in self.ended]
        if run_ids := [run_id for run_id in run_ids if run_id]:
            where = f"attributes.run_id IN ({', '.join(map(repr, run_ids))})"
            report = compare(experiments=experiments_of(run_ids), where=where)
            print(report.render("text"), end="")
            metric = report.metric.key
            groups = [group for comparison in report.comparisons for group in comparison.groups]
            means = {f"mean/{metric}/{group.name}": group.mean(metric) for group in groups}
            values = {key: mean for key, mean in means.items() if mean is not None}
            log_ranking(self.run_id, report.render("md"), values, report.render("html"))
        experiment = experiment_of(self.run_id)
        prepare_experiment(experiment)
        print(describe_address(experiment))

    def report_failures(self) -> int:
        """Print why runs failed, with the tracebacks of defects.

        Returns:
            0, 1 when a run failed, or 70 when one failed by a defect.
        """
        failed = self._failed()
        defects = [event.details for event in failed if event.details]
        lines = [*defects]
        if failed:
            lines.append(f"{len(failed)} of {len(self.jobs)} runs failed; the same command tries them again:")
        lines += [f"  {self.jobs[event.job].name}: {event.text}" for event in failed]
        print(*lines, sep="\n", end="\n" if lines else "", file=sys.stderr)
        return DEFECT if defects else int(bool(failed))

    def _failed(self) -> list[Event]:
        return [event for event in self.ended if event.kind == "failed"]
