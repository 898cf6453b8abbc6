"""Print what a variant resolves to: python -m cifake.config experiments/sgd.yaml epochs=5."""

import sys

from cifake.config.command import variant_arguments
from cifake.errors import exit_code


def main(words: list[str]) -> None:
    """Print the resolved settings of a variant as YAML, and the hash that names them."""
    variant, settings = variant_arguments("python -m cifake.config", main.__doc__ or "", words)
    print(f"# {variant}, config_hash {settings.config_hash()}")
    print(settings.to_yaml(), end="")


if __name__ == "__main__":
    sys.exit(exit_code(lambda: main(sys.argv[1:])))
