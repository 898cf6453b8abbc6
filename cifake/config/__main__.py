"""Print the resolved settings of a variant: python -m cifake.config experiments/sgd.yaml epochs=5."""

import sys
from collections.abc import Sequence

from cifake.config.options import parse
from cifake.core.errors import exit_code


def main(argv: Sequence[str]) -> None:
    """Print the resolved settings of a variant as YAML, with the config_hash that its runs have.

    The hash includes the data set that training finds, so that ``auto`` has one for each.
    """
    variant, settings = parse(argv, "python -m cifake.config", "Print the resolved settings of a variant.")
    for dataset in ("cifake", "demo") if settings.dataset == "auto" else (settings.dataset,):
        config_hash = settings.model_copy(update={"dataset": dataset}).config_hash()
        print(f"# {variant}: runs on the data set {dataset} have the config_hash {config_hash}")
    print(settings.to_yaml(), end="")


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
