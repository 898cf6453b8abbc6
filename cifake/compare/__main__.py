"""Rank tracked runs, and say how sure the ranking is: python compare.py --metric f1."""

import contextlib
import gc
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from cifake.compare.options import parse
from cifake.comparison import compare
from cifake.core.errors import RunError, exit_code
from cifake.tracking.mlflow_project import mlflow_project_run, name_project_run, project_run_id

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from cifake.compare.options import Options
    from cifake.comparison.report import Report

PROMOTE = re.compile("(--)?promote(=true)?", re.IGNORECASE)  # also on a command line that cannot be read


def main(argv: Sequence[str]) -> int:
    """Read runs from the store, compare them, print or write the report.

    Returns:
        0, or the exit code of the gate.
    """
    with mlflow_project_run("promote" if any(map(PROMOTE.fullmatch, argv)) else "compare"):
        options = parse(argv)
        from cifake.comparison.run_store import RunStore

        store = RunStore(options.tracking_uri) if options.tracking_uri or not options.results else None
        reading = store.reading() if store else contextlib.nullcontext()
        client = store.client if store else None
        with reading, _kept_report(options, client) as keep:
            report = compare(
                options.metric,
                direction=options.direction,
                experiments=options.experiment,
                variants=options.variant,
                split=options.split,
                where=options.filter,
                group_by=options.group_by,
                min_seeds=options.min_seeds,
                top=options.top,
                baseline=options.baseline,
                confidence=options.confidence,
                margin=options.margin,
                tracking_uri=options.tracking_uri,
                results=options.results,
            )
            code = _write(options, report, keep)
            if store and options.publish:
                from cifake.comparison.results.publish import publish

                print(publish(store, report.runs, options.publish), file=sys.stderr)
            return promote(client, report) if client and options.promote and not code else code


@contextlib.contextmanager
def _kept_report(
    options: "Options", client: "MlflowClient | None"
) -> "Iterator[Callable[[str], None] | None]":
    """What stores the report, or None; a user without permission to write is told before the work."""
    if client and options.promote:
        from cifake.tracking.registry import expect_registrable

        expect_registrable(client)
    if not options.log and not project_run_id():  # `mlflow run . -e compare` has made a run
        yield None
        return
    import mlflow

    from cifake.tracking.tool_runs import report_run

    tool = "promote" if options.promote else "compare"
    name = f"{tool} {options.metric}"
    with report_run(client or mlflow.MlflowClient(), tool, name) as log:

        def keep(page: str) -> None:
            name_project_run(name)
            log(page)

        yield keep


def _write(options: "Options", report: "Report", keep: "Callable[[str], None] | None") -> int:
    from cifake.comparison.gate import exit_code_of

    verdicts = report.check(*options.fail_if, allow_single_seed=options.allow_single_seed)
    render = partial(report.render, pivot=options.settings, near_copies=options.near_copies)
    rendered = render(options.output_format, options.view, verdicts)
    if options.output:
        try:
            options.output.write_text(rendered, encoding="utf-8")
        except OSError as error:
            raise RunError(f"output: {options.output} cannot be written ({error.strerror})") from None
    else:
        sys.stdout.write(rendered)
    if keep:
        html = options.output_format == "html"
        keep(rendered if html else render("html", verdicts=verdicts))
    if options.output or options.output_format == "csv":  # other formats hold the verdicts themselves
        for verdict in verdicts:
            print(verdict, file=sys.stderr)
    return exit_code_of(verdicts)


def promote(client: "MlflowClient", report: "Report") -> int:
    """Register the best group's model if it may be champion; the exit code is 3 when that cannot be told."""
    from cifake.comparison.gate import EXIT_CODES
    from cifake.tracking.registry import champion, register

    present = champion(client)
    result = report.challenge(present.run_id if present else None)
    line = result.text
    if result.run_id:
        version = register(client, result.run_id, result.tags, result.card)
        line = f"promoted: {version.name} version {version.version} is run {result.run_id} ({result.text})"
    elif present:
        line = f"the champion stays version {present.version}: {result.text}"
    print(line, file=sys.stderr)  # standard output is the report's
    return EXIT_CODES.get(result.verdict, 0)


def run() -> int:
    """The whole command, from the words of the command line to the exit code."""
    # Walking MLflow's million objects, while it is imported and again at the end, frees nothing
    # and takes a fifth of the time.
    gc.disable()
    # The matrices are small: where other work has the cores, threads of OpenBLAS wait a hundred times longer
    # for one another than one thread calculates. NumPy, imported later, reads this.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    return exit_code(lambda: main(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(run())
