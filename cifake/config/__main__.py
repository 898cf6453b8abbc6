"""Print the resolved settings of a variant: python -m cifake.config experiments/sgd.yaml epochs=5."""

import sys
from collections.abc import Sequence

from cifake.config.options import parse
from cifake.contract import CIFAKE, DEMO
from cifake.core.errors import exit_code


def main(argv: Sequence[str]) -> None:
    """Print the resolved settings of a variant as YAML, with the config_hash that its runs have.

    The hash includes the data set that training finds, so that ``auto`` has one for each. Others than CIFAKE
    and demo count by their names.
    """
    variant, settings = parse(argv, "python -m cifake.config", "Print the resolved settings of a variant.")
    known = {"auto": (CIFAKE, DEMO), "other": ()}.get(settings.dataset, (settings.dataset,))
    for name in (settings.dataset_name,) if settings.dataset_name else known:
        config_hash = settings.with_dataset(name).config_hash()
        print(f"# {variant}: runs on the data set {name} have the config_hash {config_hash}")
    print(settings.to_yaml(), end="")


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
