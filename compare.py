"""Rank tracked runs, and say how sure the ranking is: python compare.py --metric f1."""

import argparse
import gc
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cifake.comparison import VIEW_NAMES, compare
from cifake.comparison.condition import parse_condition
from cifake.comparison.render import FORMATS, SUFFIXES
from cifake.errors import exit_code

if TYPE_CHECKING:
    from cifake.comparison.report import Report


def parse(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="compare.py", description=__doc__, allow_abbrev=False)
    option = parser.add_argument
    option(
        "--metric", default="f1", help="f1, accuracy ... of the test part, or a key: val/loss (default: f1)"
    )
    option("--view", choices=VIEW_NAMES, default="leaderboard", help="(default: leaderboard; html has all)")
    option("--baseline", metavar="NAME", help="the row that differences are from (default: the best)")
    option("--confidence", type=float, default=0.95, metavar="P", help="of intervals, tests (default: 0.95)")
    option(
        "--fail-if",
        action="append",
        default=[],
        metavar="CONDITION",
        help="'f1 < 0.93' or 'f1 drops 0.005 vs base', repeatable; exit code 1 when the interval says "
        "that it is so, 3 when it leaves it open",
    )
    option(
        "--experiment",
        action="append",
        default=[],
        metavar="NAME",
        help="repeatable (default: MLFLOW_EXPERIMENT_NAME, or else cifake and Default)",
    )
    option("--tracking-uri", metavar="URI", help="the store (default: MLFLOW_TRACKING_URI, or ./mlflow.db)")
    option("--variant", action="append", default=[], metavar="NAME", help="only this one, repeatable")
    option("--split", choices=["full", "small"], help="only runs on this split")
    option("--filter", default="", help="only runs that MLflow's search finds: \"params.optimizer = 'sgd'\"")
    option("--top", type=int, metavar="N", help="only the best N rows of each table")
    option("--format", choices=list(FORMATS), help="(default: by the suffix of --output, or text)")
    option("--output", type=Path, metavar="FILE", help="write to FILE instead of standard output")
    option(
        "--promote",
        action="store_true",
        help="register the best as models:/cifake@champion if it beats the present one beyond doubt, and "
        "every --fail-if passes; exit code 3 when that cannot be told",
    )
    option("--log", action="store_true", help="keep the html report in an MLflow run of its own")
    arguments = parser.parse_args(words)
    if arguments.top is not None and arguments.top < 1:
        parser.error(f"argument --top: expected 1 or more, received {arguments.top}")
    if not 0 < arguments.confidence < 1:
        parser.error(
            f"argument --confidence: expected more than 0, less than 1, received {arguments.confidence}"
        )
    if arguments.output:
        _check_output(arguments, parser)
    return arguments


def _check_output(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    path = arguments.output
    if not path.parent.is_dir():
        parser.error(f"argument --output: there is no folder {path.parent}; make it first")
    if path.is_dir():
        parser.error(f"argument --output: expected a file, {path} is a folder")
    arguments.format = arguments.format or SUFFIXES.get(path.suffix)
    if not arguments.format:
        parser.error(
            f"argument --output: expected one of {', '.join(SUFFIXES)}, received '{path}'; or add --format"
        )


def main(words: list[str]) -> int:
    """Read runs from the store, compare them, print or write the report.

    Returns:
        0, or the exit code of the gate.
    """
    arguments = parse(words)
    for condition in arguments.fail_if:
        parse_condition(condition)  # a mistake ends the command here, not after the store was read
    report = compare(
        arguments.metric,
        experiments=arguments.experiment,
        variants=arguments.variant,
        split=arguments.split,
        where=arguments.filter,
        top=arguments.top,
        baseline=arguments.baseline,
        confidence=arguments.confidence,
        tracking_uri=arguments.tracking_uri,
    )
    from cifake.comparison.gate import exit_code_of

    verdicts = report.check(*arguments.fail_if)
    rendered = report.render(arguments.format or "text", arguments.view, verdicts)
    if arguments.output:
        arguments.output.write_text(rendered, encoding="utf-8")
    else:
        sys.stdout.write(rendered)
    if arguments.log or "MLFLOW_RUN_ID" in os.environ:  # `mlflow run . -e compare` has made a run
        from cifake.tracking import log_report

        page = rendered if arguments.format == "html" else report.render("html", verdicts=verdicts)
        tool = "promote" if arguments.promote else "compare"
        log_report(tool, f"{tool} {arguments.metric}", page)
    if arguments.output or arguments.format == "csv":  # otherwise the report has just said it
        for verdict in verdicts:
            print(verdict, file=sys.stderr)
    code = exit_code_of(verdicts)
    return promote(report) if arguments.promote and not code else code


def promote(report: "Report") -> int:
    """Register the best group's model, if it may take the champion's place.

    Returns:
        0, or 3 when that cannot be told.
    """
    from cifake.comparison.gate import EXIT_CODES
    from cifake.tracking import champion, register

    present = champion()
    result = report.challenge(present.run_id if present else None)
    line = result.text
    if result.run_id:
        version = register(result.run_id, result.about)
        line = f"promoted: {version.name} version {version.version} is run {result.run_id} ({result.text})"
    elif present:
        line = f"the champion stays version {present.version}: {result.text}"
    print(line, file=sys.stderr)  # standard output is the report's
    return EXIT_CODES.get(result.verdict, 0)


if __name__ == "__main__":
    # Walking MLflow's million objects, while it is imported and again at the end, frees nothing
    # and takes a fifth of the time.
    gc.disable()
    code = exit_code(lambda: main(sys.argv[1:]))
    gc.freeze()
    sys.exit(code)
