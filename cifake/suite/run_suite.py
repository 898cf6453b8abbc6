"""A suite from its plan to its ranking."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from rich.console import Console

from cifake.comparison.condition import parse_until
from cifake.comparison.gate import CANNOT_TELL, EXIT_CODES
from cifake.comparison.render.paper import markdown
from cifake.comparison.report import Report
from cifake.comparison.table import Section
from cifake.contract import SEQUENTIAL_TAG
from cifake.core.errors import DEFECT, Terminated
from cifake.suite.display import Display
from cifake.suite.jobs import ENDS, Engine, Event, Job, RunContext
from cifake.suite.options import Options
from cifake.suite.plan import describe, look_up, make_jobs
from cifake.suite.until import Finding, Until, report_on
from cifake.tracking.descriptions import log_ranking
from cifake.tracking.queries import experiment_of
from cifake.tracking.run_values import log_values
from cifake.tracking.suite_run import open_store, suite_run
from cifake.tracking.ui import describe_address, prepare_experiment


class Suite:
    """The runs of a suite; everything is checked, and the plan is made, before anything is trained.

    Raises:
        ConfigError, DataError, RunError: a setting, the data or the store cannot be used.
    """

    def __init__(self, options: Options, overrides: Mapping[str, Any], engine: Engine) -> None:
        self.options, self.engine = options, engine
        jobs = make_jobs(options.variants, options.seeds, overrides)
        self.until = Until(parse_until(options.until), jobs, options.max_seeds) if options.until else None
        self.finding: Finding | None = None
        self.experiment = open_store()
        self.jobs = look_up(jobs, options.force)
        self.run_ids = {job.number: job.run_id for job in self.jobs if job.run_id}
        # Not the capacity for what is left to do: the number of threads changes last digits.
        self.capacity = engine.capacity(len(jobs))
        self.plan = describe(self.jobs, self.capacity, options.until)
        self.ended: list[Event] = []

    def train(self) -> None:
        """Train what is missing, in a run of the suite's own."""
        options, todo = self.options, [job for job in self.jobs if job.state != "reuse"]
        params = {"variants": ",".join(options.variants), "seeds": options.seeds, "force": options.force}
        params |= {"until": options.until} if options.until else {}
        with suite_run(f"suite of {len(self.jobs)} runs", self.plan, params) as (run_id, failures):
            self.run_id = run_id
            run_context = RunContext(run_id, self.experiment, self.capacity.threads, options.force)
            try:
                display = Display(todo, Console(stderr=True))
                rounds = self._looks(self.until, display.console) if self.until else [todo]
                with display.progress:
                    for event in self.engine.execute(rounds, self.capacity.count, run_context):
                        display.show(event)
                        if event.kind in ENDS:
                            self.ended.append(event)
                            self.run_ids |= {event.job: event.run_id} if event.run_id else {}
            except (KeyboardInterrupt, Terminated):
                progress = f"{len(self.ended)} of {len(todo)} runs ended"
                print(f"stopped: {progress}; the same command resumes", file=sys.stderr)
                raise
            failures += [f"{self.jobs[event.job].name}: {event.text}" for event in self._failed()]

    def _looks(self, until: Until, console: Console) -> Iterator[list[Job]]:
        """Rounds of jobs, with a look after each, until it is decided or a run has failed."""
        for number, jobs in enumerate(until.rounds()):
            known = [self.jobs[job.number] for job in jobs]
            yield [job for job in known if job.state != "reuse"]
            if self._failed():
                return
            self.finding = until.look(number, self.run_ids)
            console.print(self.finding.text, soft_wrap=True, markup=False, highlight=False)
            if self.finding.ended:
                return

    def rank(self) -> None:
        """Print the ranking, log it to the suite's run, and print where a browser shows all runs."""
        finding = self.finding
        report: Report | None = None
        if self.until and finding and finding.ended:
            for run_id in finding.runs:
                log_values(run_id, tags={SEQUENTIAL_TAG: finding.text})
            metric = self.until.condition.metric
            report = report_on(finding.runs, metric, finding.baseline, finding.level)
        elif self.run_ids:
            report = report_on([*self.run_ids.values()])
        if report:
            print(report.render("text"), end="")
            metric = report.metric.key
            groups = [group for comparison in report.comparisons for group in comparison.groups]
            means = {f"mean/{metric}/{group.name}": group.mean(metric) for group in groups}
            values = {key: mean for key, mean in means.items() if mean is not None}
            # MLflow sets a description without space between columns; the page has all of them.
            tables = [replace(table, columns=table.columns[: table.essential]) for table in report.tables]
            ranking = markdown([Section(report.name, tables)])
            log_ranking(self.run_id, ranking, values, report.render("html"))
        experiment = experiment_of(self.run_id)
        prepare_experiment(experiment)
        print(describe_address(experiment))

    def report_failures(self) -> int:
        """Print why runs failed, with the tracebacks of defects.

        Returns:
            0, 1 when a run failed, 70 when one failed by a defect, or 3 when it cannot be told what ``until``
            asks.
        """
        failed = self._failed()
        if not failed:
            told = self.finding is None or self.finding.told
            return 0 if told else EXIT_CODES[CANNOT_TELL]
        defects = [event.details for event in failed if event.details]
        lines = [
            *defects,
            f"{len(failed)} of {len(self.jobs)} runs failed; the same command tries them again:",
        ]
        lines += [f"  {self.jobs[event.job].name}: {event.text}" for event in failed]
        print(*lines, sep="\n", file=sys.stderr)
        return DEFECT if defects else 1

    def _failed(self) -> list[Event]:
        return [event for event in self.ended if event.kind == "failed"]
