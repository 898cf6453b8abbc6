"""Print what a variant resolves to: python -m cifake.config experiments/sgd.yaml epochs=5."""

import sys
from collections.abc import Sequence

from cifake.config.options import parse
from cifake.core.errors import exit_code
from cifake.data.find import find


def main(argv: Sequence[str]) -> None:
    """Print the resolved settings of a variant as YAML, and the config_hash that its runs would have."""
    variant, settings = parse(argv, "python -m cifake.config", "Print the resolved settings of a variant.")
    settings = settings.model_copy(update={"dataset": find(settings.dataset).name})
    print(f"# {variant}, config_hash {settings.config_hash()}, with the data set {settings.dataset}")
    print(settings.to_yaml(), end="")


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
