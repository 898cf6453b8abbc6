"""The command line of a suite: its own options, and settings for all runs."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, TypeAdapter, ValidationError

from cifake.cli.grammar import CommandOptions, CommaSeparated, Flag, comma_separated, read_options
from cifake.cli.help import option_rows, print_help_if_asked
from cifake.comparison.condition import parse_until
from cifake.config import parse_overrides
from cifake.config.fields import Count
from cifake.config.settings import known_keys
from cifake.core.errors import ConfigError
from cifake.core.nearest import nearest
from cifake.suite.jobs import FIRST_LOOK, Resources
from cifake.suite.variants import known_variants

STANDARD = ("base", "epoch", "sgd", "sigmoid", "val")
MOST_SEEDS = 30  # of a suite that looks after each
RAY_ONLY = ("address", "cpus", "gpus", "memory")


def _variants(names: list[str]) -> list[str]:
    names = known_variants() if names == ["all"] else names
    if not names:
        raise ValueError("expected names such as base,val, received none")
    return list(dict.fromkeys(names))


def _seeds(texts: list[str]) -> list[int]:
    if len(texts) == 1 and texts[0].isdecimal() and int(texts[0]) > 0:
        return list(range(int(texts[0])))
    seeds = [] if texts[0].isdecimal() else comma_separated(texts)
    if not seeds or not all(seed.isdecimal() for seed in seeds):
        given = ",".join(texts)
        raise ValueError(f"expected a number from 1, or seeds such as 0,1,7 or '7,', received {given!r}")
    return list(dict.fromkeys(map(int, seeds)))


def _until(text: str) -> str:
    parse_until(text)
    return text


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
        raise ValueError(f"expected 0, a fraction of one such as 0.5, or a number, received {text!r}")
    return text


def _memory(text: str) -> int:
    try:
        return TypeAdapter(ByteSize).validate_python(text)
    except ValidationError:
        raise ValueError(f"expected a size such as 2GiB, received {text!r}") from None


class Options(CommandOptions):
    """The options of a suite."""

    variants: Annotated[list[str], BeforeValidator(_variants), CommaSeparated] = Field(
        list(STANDARD),
        description="names such as base,val, files that end in .yaml, or all, those of experiments/ "
        f"(default: {','.join(STANDARD)})",
    )
    seeds: Annotated[list[int], BeforeValidator(_seeds)] = Field(
        [0], description="their number, counted from 0, or a list: 0,1,7, or '7,' for one (default: 1)"
    )
    until: Annotated[str, AfterValidator(_until)] = Field(
        "",
        description="train seed by seed and stop when it is decided: 'wide beats base in f1', 'wide differs "
        "from base in f1', or a condition of compare.py's fail_if",
    )
    max_seeds: int = Field(
        10,
        ge=FIRST_LOOK,
        le=MOST_SEEDS,
        description="with until: the most seeds of each variant (default: 10)",
    )
    workers: Annotated[int | None, BeforeValidator(_workers)] = Field(
        None, description="number of processes, or auto: by cores, memory and GPUs (default: auto)"
    )
    force: Flag = Field(False, description="train finished runs again, from scratch")
    engine: Literal["local", "ray"] = Field(
        "local", description="local, or ray: tasks on a Ray cluster; see docs/scaling.md"
    )
    address: str = Field("auto", description="with ray: host:port of the head node, or auto")
    cpus: Count = Field(1, description="with ray: cores, and threads, of each run")
    gpus: Annotated[float, BeforeValidator(_gpus)] = Field(
        0, description="with ray: GPUs of each run, or a fraction of one: 0.5"
    )
    memory: Annotated[int, BeforeValidator(_memory)] = Field(
        0, description="with ray: memory of each run: 4GiB; 0 sets no limit"
    )

    @property
    def resources(self) -> Resources:
        """What each run requests from a cluster."""
        return Resources(self.cpus, self.gpus, self.memory)


def parse(argv: Sequence[str]) -> tuple[Options, dict[str, Any]]:
    """Read the command line.

    Returns:
        The suite's own options, and the settings of all runs.

    Raises:
        ConfigError: an unknown option, or a value that an option does not accept.
    """
    print_help_if_asked(
        argv, "python -m cifake.suite", "Train variants with several seeds, and rank them.",
        option_rows(Options),
        "Any other key is a setting for all runs, such as --split small; see python -m cifake.train --help.",
    )  # fmt: skip
    options, texts = read_options(Options, argv, others=True)
    if "seed" in texts:
        raise ConfigError("seed: expected seeds=0,1,7 or a number of them, received seed")
    _check_names(texts)
    _check_engine(options)
    given = options.model_fields_set
    if options.until and "seeds" in given:
        raise ConfigError("seeds: expected none with until, which trains seeds 0, 1, 2 ... up to max_seeds")
    if not options.until and "max_seeds" in given:
        raise ConfigError("max_seeds: only with until")
    if options.until:
        options = options.model_copy(update={"seeds": list(range(options.max_seeds))})
    return options, parse_overrides(texts)


def _check_names(keys: Iterable[str]) -> None:
    """Refuse a mistyped option of the suite; a mistyped setting is refused where settings are resolved."""
    settings = [key for key in known_keys() if key != "seed"]
    groups = {key.partition(".")[0] for key in settings}
    for key in keys:
        near = nearest(key, [*Options.model_fields, *settings])
        if key.partition(".")[0] not in groups and near in Options.model_fields:
            raise ConfigError(f"unknown option '{key}'; did you mean '{near}'?")


def _check_engine(options: Options) -> None:
    """Refuse options that the engine would ignore."""
    given = options.model_fields_set
    if options.engine == "local" and (foreign := [name for name in RAY_ONLY if name in given]):
        raise ConfigError(f"{foreign[0]}: only for engine=ray")
    if options.engine == "ray" and options.workers:
        raise ConfigError("workers: only for engine=local; ray starts what fits: give cpus, gpus, memory")
