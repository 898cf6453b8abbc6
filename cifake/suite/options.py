"""The command line of a suite: its own options, then overrides for every run."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ByteSize, Field, TypeAdapter, ValidationError

from cifake.cli.grammar import CommandOptions, CommaSeparated, Flag, comma_separated, read_options
from cifake.cli.help import option_rows, print_help_if_asked
from cifake.config import parse_overrides
from cifake.config.fields import Count
from cifake.core.errors import ConfigError
from cifake.suite.jobs import Resources
from cifake.suite.variants import known_variants

STANDARD = ("base", "epoch", "sgd", "sigmoid", "val")
OF_A_CLUSTER = ("address", "cpus", "gpus", "memory")


def _variants(names: list[str]) -> list[str]:
    names = known_variants() if names == ["all"] else names
    if not names:
        raise ValueError("expected names such as base,val, received none")
    return list(dict.fromkeys(names))


def _seeds(texts: list[str]) -> list[int]:
    if len(texts) == 1 and texts[0].isdecimal() and int(texts[0]) > 0:
        return list(range(int(texts[0])))
    words = [] if texts[0].isdecimal() else comma_separated(texts)
    if not words or not all(word.isdecimal() for word in words):
        raise ValueError(f"expected a number from 1, or seeds such as 0,1,7, received {','.join(texts)!r}")
    return list(dict.fromkeys(map(int, words)))


def _workers(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"expected auto or a number from 1, received {text!r}")
    return int(text)


def _gpus(text: str) -> str:
    try:
        count = float(text)
    except ValueError:
        count = -1
    if count < 0 or (count > 1 and not count.is_integer()):
        raise ValueError(f"expected 0, a part of one such as 0.5, or a number, received {text!r}")
    return text


def _memory(text: str) -> int:
    try:
        return TypeAdapter(ByteSize).validate_python(text)
    except ValidationError:
        raise ValueError(f"expected a size such as 2GiB, received {text!r}") from None


class Options(CommandOptions):
    """What a suite was asked for."""

    variants: Annotated[list[str], BeforeValidator(_variants), CommaSeparated] = Field(
        list(STANDARD),
        description="base,val, files that end in .yaml, or all in experiments/ "
        f"(default: {','.join(STANDARD)})",
    )
    seeds: Annotated[list[int], BeforeValidator(_seeds)] = Field(
        [0], description="how many, from 0, or which: 0,1,7 (default: 1)"
    )
    workers: Annotated[int | None, BeforeValidator(_workers)] = Field(
        None, description="processes, or auto: by cores, memory and GPUs (default: auto)"
    )
    force: Flag = Field(False, description="true trains anew what is finished")
    engine: Literal["local", "ray"] = Field(
        "local", description="local, or ray: tasks of a Ray cluster; see docs/scaling.md"
    )
    address: str = Field("auto", description="with ray: host:port of its head, or auto")
    cpus: Count = Field(1, description="with ray: cores, and threads, of each run")
    gpus: Annotated[float, BeforeValidator(_gpus)] = Field(
        0, description="with ray: GPUs of each run, or a part of one, as 0.5"
    )
    memory: Annotated[int, BeforeValidator(_memory)] = Field(
        0, description="with ray: of each run, as 4GiB; 0 leaves it open"
    )

    @property
    def resources(self) -> Resources:
        """What each run asks of a cluster."""
        return Resources(self.cpus, self.gpus, self.memory)


def parse(argv: Sequence[str]) -> tuple[Options, dict[str, Any]]:
    """Read the command line.

    Returns:
        The suite's own options, and the settings for every run.

    Raises:
        ConfigError: a value that its option does not take.
    """
    print_help_if_asked(
        argv, "python -m cifake.suite", "Train variants with several seeds, and rank them.",
        option_rows(Options),
        "Any other key is a setting for all runs, such as --split small; see python -m cifake.train --help.",
    )  # fmt: skip
    options, texts = read_options(Options, argv, others=True)
    if "seed" in texts:
        raise ConfigError("seed: expected seeds=0,1,7 or a number of them, received seed")
    _check_engine(options)
    return options, parse_overrides(texts)


def _check_engine(options: Options) -> None:
    """Refuse options that the engine would ignore."""
    given = options.model_fields_set
    if options.engine == "local" and (foreign := [name for name in OF_A_CLUSTER if name in given]):
        raise ConfigError(f"{foreign[0]}: only for engine=ray")
    if options.engine == "ray" and options.workers:
        raise ConfigError("workers: only for engine=local; ray starts what fits: give cpus, gpus, memory")
