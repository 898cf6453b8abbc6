"""Train variants with several seeds, then rank them: python -m cifake.suite --variants base,val --seeds 2."""

import sys
from collections.abc import Sequence

from cifake.core.errors import exit_code
from cifake.suite.engines import choose_engine
from cifake.suite.options import parse
from cifake.tracking.mlflow_project import mlflow_project_run


def main(argv: Sequence[str]) -> int:
    """Plan the suite, train what is missing, rank all its runs, and return the exit code."""
    with mlflow_project_run():
        options, overrides = parse(argv)
        engine = choose_engine(options)
        # MLflow is imported here, while the engine imports TensorFlow in other processes.
        from cifake.suite.run_suite import Suite

        suite = Suite(options, overrides, engine)
    print(suite.plan, flush=True)
    suite.train()
    suite.rank()
    return suite.report_failures()


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
