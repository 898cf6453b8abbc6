"""Train variants with several seeds, then rank them: python -m cifake.suite --variants base,val --seeds 2."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cifake.core.errors import Terminated, exit_code
from cifake.tracking.mlflow_project import mlflow_project_run

if TYPE_CHECKING:
    from cifake.suite.jobs import Capacity, Engine, Event, Job
    from cifake.suite.options import Options


def main(argv: Sequence[str]) -> int:
    """Plan, train what is missing, rank everything.

    Returns:
        0, or 1 when a run failed.
    """
    from cifake.suite.options import parse

    with mlflow_project_run():
        options, overrides = parse(argv)
        from cifake.suite.engines import choose_engine

        engine = choose_engine(options)  # starts what takes its time while the plan is made
        from cifake.suite.plan import describe, look_up, make_jobs
        from cifake.tracking.suite_run import open_store

        jobs = make_jobs(options.variants, options.seeds, overrides)
        experiment = open_store()
        jobs = look_up(jobs, options.force)
    todo = [job for job in jobs if job.state != "reuse"]
    capacity = engine.capacity(len(jobs))  # not of what is left to do: threads change last digits
    plan = describe(jobs, capacity)
    print(plan, flush=True)
    suite_id, ended = _train(jobs, todo, options, experiment, engine, capacity, plan)
    run_ids = [job.run_id for job in jobs if job.run_id] + [event.run_id for event in ended if event.run_id]
    _rank(suite_id, run_ids)
    return _list_failures(jobs, ended)


def _train(
    jobs: "Sequence[Job]",
    todo: "Sequence[Job]",
    options: "Options",
    experiment: str,
    engine: "Engine",
    capacity: "Capacity",
    plan: str,
) -> "tuple[str, list[Event]]":
    """Train what is to be trained; the id of the suite's run, and the events that ended the jobs."""
    from rich.console import Console

    from cifake.suite.display import ENDS, Display
    from cifake.suite.jobs import RunContext
    from cifake.tracking.suite_run import suite_run

    asked = {"variants": ",".join(options.variants), "seeds": options.seeds, "force": options.force}
    ended: list[Event] = []
    names = {job.number: job.name for job in jobs}
    with suite_run(f"suite of {len(jobs)} runs", plan, asked) as (run_id, failures):
        run_context = RunContext(run_id, experiment, capacity.threads, options.force)
        try:
            with Display(todo, Console(stderr=True)) as display:
                for event in engine.execute(todo, capacity.count, run_context):
                    display.show(event)
                    if event.kind in ENDS:
                        ended.append(event)
        except (KeyboardInterrupt, Terminated):
            print(
                f"stopped: {len(ended)} of {len(todo)} runs ended; the same command goes on", file=sys.stderr
            )
            raise
        failures += [f"{names[event.job]}: {event.text}" for event in ended if event.kind == "failed"]
    return run_id, ended


def _rank(suite_id: str, run_ids: Sequence[str]) -> None:
    """Print the ranked table of the suite's runs, and keep it in the suite's own."""
    from cifake.comparison import compare
    from cifake.tracking.descriptions import log_ranking
    from cifake.tracking.suite_run import experiments_of
    from cifake.tracking.ui import describe_address, experiment_of, prepare_experiment

    if run_ids:
        where = f"attributes.run_id IN ({', '.join(repr(run_id) for run_id in run_ids)})"
        report = compare(experiments=experiments_of(run_ids), where=where)
        print(report.render("text"), end="")
        groups = [group for comparison in report.comparisons for group in comparison.groups]
        means = {
            f"mean/{report.metric}/{group.name}": mean
            for group in groups
            if (mean := group.mean(report.metric)) is not None
        }
        log_ranking(suite_id, report.render("md"), means, report.render("html"))
    prepare_experiment(experiment_of(suite_id))
    print(describe_address(experiment_of(suite_id)))


def _list_failures(jobs: "Sequence[Job]", ended: "Sequence[Event]") -> int:
    failed = [event for event in ended if event.kind == "failed"]
    for event in failed:
        if event.details:  # a defect: its traceback is wanted
            print(event.details, file=sys.stderr)
    if failed:
        print(
            f"{len(failed)} of {len(jobs)} runs failed; the same command tries them again:", file=sys.stderr
        )
    names = {job.number: job.name for job in jobs}
    for event in failed:
        print(f"  {names[event.job]}: {event.text}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
