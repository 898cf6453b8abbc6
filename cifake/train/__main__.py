"""Train one variant and track it: python -m cifake.train experiments/base.yaml --split small."""

import sys
from collections.abc import Sequence

from cifake.core.errors import exit_code
from cifake.core.native_output import native_output_logged
from cifake.core.progress import configure_logging
from cifake.data import load
from cifake.tracking.mlflow_project import mlflow_project_run
from cifake.train.options import parse


@native_output_logged()
def main(argv: Sequence[str]) -> None:
    """Train, evaluate and track one variant.

    Settings and data are checked before MLflow and TensorFlow are imported, which takes 10 s.
    """
    configure_logging()
    with mlflow_project_run():
        variant, settings = parse(argv)
        data = load(**settings.load_arguments)
        from cifake.train.pipeline import train

        train(variant, settings.with_dataset(data.name), data)


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
