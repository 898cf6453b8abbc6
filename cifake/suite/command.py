"""The command line of a suite: its own options, then overrides for every run."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cifake.config import parse_overrides
from cifake.errors import ConfigError
from cifake.suite.share import DEFAULTS, Share, read_share
from cifake.suite.variants import known_variants

STANDARD = ("base", "epoch", "sgd", "sigmoid", "val")
ENGINES = ("local", "ray")
OPTIONS = """options, as --key value or key=value:
  variants  base,val, files that end in .yaml, or all in experiments/ (default: base,epoch,sgd,sigmoid,val)
  seeds     how many, from 0, or which: 0,1,7 (default: 1)
  workers   processes, or auto: by cores, memory and GPUs (default: auto)
  force     true trains anew what is finished (default: false)
  engine    local, or ray: tasks of a Ray cluster (default: local); see docs/scaling.md. With ray, too:
  address   host:port of its head, or auto (default: auto)
  cpus, gpus, memory   of each run, such as 2, 0.5, 4GiB (default: 1, 0, as much as there is)
every other one is a setting for all runs, such as --split small; see python -m cifake.train --help"""


@dataclass(frozen=True)
class Options:
    """What a suite was asked for.

    Attributes:
        variants: names or files.
        seeds: one run each.
        workers: processes at most; None chooses.
        force: train anew what is finished.
        engine: one of ENGINES.
        address: of a cluster.
        share: what each run asks of a cluster.
        overrides: settings for every run.
    """

    variants: list[str]
    seeds: list[int]
    workers: int | None
    force: bool
    engine: str
    address: str
    share: Share
    overrides: dict[str, Any]


def parse(words: Sequence[str]) -> Options:
    """Read the command line.

    Raises:
        ConfigError: a value that its option does not take.
    """
    parser = argparse.ArgumentParser(
        prog="python -m cifake.suite", description="Train variants with several seeds, and rank them.",
        usage="%(prog)s [--KEY VALUE | KEY=VALUE ...]", epilog=OPTIONS, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    _, rest = parser.parse_known_args(words)
    given = parse_overrides(rest)
    if "seed" in given:
        raise ConfigError("seed: expected seeds=0,1,7 or a number of them, received seed")
    variants, seeds = given.pop("variants", ",".join(STANDARD)), given.pop("seeds", 1)
    workers, force = given.pop("workers", "auto"), given.pop("force", False)
    if not isinstance(force, bool):
        raise ConfigError(f"force: expected true or false, received {force!r}")
    if workers != "auto" and (type(workers) is not int or workers < 1):
        raise ConfigError(f"workers: expected auto or a number from 1, received {workers!r}")
    engine = given.pop("engine", "local")
    if engine not in ENGINES:
        raise ConfigError(f"engine: expected {' or '.join(ENGINES)}, received {engine!r}")
    cluster = _cluster(given, engine)
    if engine != "local" and workers != "auto":
        raise ConfigError(
            f"workers: only for engine=local; {engine} starts what fits: give cpus, gpus, memory"
        )
    return Options(
        _variants(variants), _seeds(seeds), None if workers == "auto" else workers, force,
        engine, str(cluster.pop("address", "auto")), read_share(cluster), given,
    )  # fmt: skip


def _cluster(given: dict[str, Any], engine: str) -> dict[str, Any]:
    """The options that a cluster alone takes; removed from what was given."""
    found = {name: given.pop(name) for name in (*DEFAULTS, "address") if name in given}
    if found and engine == "local":
        raise ConfigError(f"{next(iter(found))}: only for engine=ray")
    return found


def _variants(value: Any) -> list[str]:
    names = known_variants() if value == "all" else _words(value)
    if not names:
        raise ConfigError(f"variants: expected names such as base,val, received {value!r}")
    return list(dict.fromkeys(names))


def _seeds(value: Any) -> list[int]:
    if type(value) is int and value > 0:
        return list(range(value))
    words = [] if type(value) is int else _words(value)
    if not words or not all(word.isdecimal() for word in words):
        raise ConfigError(f"seeds: expected a number from 1, or seeds such as 0,1,7, received {value!r}")
    return list(dict.fromkeys(int(word) for word in words))


def _words(value: Any) -> list[str]:
    """``a,b``, ``[a, b]`` and ``[a,b]`` alike."""
    parts = value if isinstance(value, list) else str(value).split(",")
    return [str(part).strip() for part in parts if str(part).strip()]
