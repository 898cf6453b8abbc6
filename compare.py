"""Rank tracked runs: python compare.py --metric f1."""

import argparse
import gc
import sys
from pathlib import Path

from cifake.comparison.render import FORMATS
from cifake.errors import exit_code


def parse(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="compare.py", description=__doc__, allow_abbrev=False)
    parser.add_argument(
        "--metric",
        default="f1",
        help="f1, accuracy, loss ... of the test part, or a whole key such as val/loss (default: f1)",
    )
    parser.add_argument(
        "--experiment",
        action="append",
        default=[],
        help="an experiment's name, repeatable (default: MLFLOW_EXPERIMENT_NAME, or else cifake and Default)",
    )
    parser.add_argument(
        "--tracking-uri", help="the MLflow store (default: MLFLOW_TRACKING_URI, or else ./mlflow.db)"
    )
    parser.add_argument("--variant", action="append", default=[], help="only this variant, repeatable")
    parser.add_argument("--split", choices=["full", "small"], help="only runs on this split")
    parser.add_argument("--top", type=int, metavar="N", help="only the best N rows of each table")
    parser.add_argument("--format", choices=list(FORMATS), default="text", help="(default: text)")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="write to FILE instead of standard output"
    )
    arguments = parser.parse_args(words)
    if arguments.top is not None and arguments.top < 1:
        parser.error(f"argument --top: expected 1 or more, received {arguments.top}")
    if arguments.output and not arguments.output.parent.is_dir():
        parser.error(f"argument --output: there is no folder {arguments.output.parent}; make it first")
    if arguments.output and arguments.output.is_dir():
        parser.error(f"argument --output: expected a file, {arguments.output} is a folder")
    return arguments


def main(words: list[str]) -> None:
    """Read runs from the store, rank them, print or write the tables."""
    arguments = parse(words)
    from cifake.comparison.runs import fetch_runs  # imports MLflow, 3 s: not for --help
    from cifake.comparison.views import find_metric, leaderboard

    runs = fetch_runs(arguments.tracking_uri, arguments.experiment, arguments.variant, arguments.split)
    tables = leaderboard(runs, find_metric(runs, arguments.metric), arguments.top)
    report = FORMATS[arguments.format](tables)
    if arguments.output:
        arguments.output.write_text(report, encoding="utf-8")
    else:
        sys.stdout.write(report)


if __name__ == "__main__":
    # Walking MLflow's million objects, while it is imported and again at the end, frees nothing
    # and takes a fifth of the time.
    gc.disable()
    code = exit_code(lambda: main(sys.argv[1:]))
    gc.freeze()
    sys.exit(code)
