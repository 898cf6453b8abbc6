"""What each run asks of a cluster: cores, GPUs, memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ByteSize, TypeAdapter, ValidationError

from cifake.errors import ConfigError

DEFAULTS = {"cpus": 1, "gpus": 0, "memory": 0}


@dataclass(frozen=True)
class Share:
    """What a run has of a node.

    Attributes:
        cpus: cores, and threads.
        gpus: whole ones, or a part of one, as 0.5.
        memory: bytes; 0 leaves it open.
    """

    cpus: int
    gpus: float
    memory: int

    def resources(self) -> dict[str, float]:
        """By Ray's names."""
        return {"CPU": self.cpus, "GPU": self.gpus, "memory": self.memory}

    def __str__(self) -> str:
        memory = f" memory={ByteSize(self.memory).human_readable()}" if self.memory else ""
        return f"cpus={self.cpus} gpus={self.gpus:g}{memory}"


def read_share(given: Mapping[str, Any]) -> Share:
    """From the command line.

    Raises:
        ConfigError: a value that its option does not take.
    """
    values = {**DEFAULTS, **given}
    cpus, gpus = values["cpus"], values["gpus"]
    if type(cpus) is not int or cpus < 1:
        raise ConfigError(f"cpus: expected a number from 1, received {cpus!r}")
    if type(gpus) not in (int, float) or gpus < 0 or (gpus > 1 and gpus != int(gpus)):
        raise ConfigError(f"gpus: expected 0, a part of one such as 0.5, or a number, received {gpus!r}")
    try:
        memory = TypeAdapter(ByteSize).validate_python(values["memory"])
    except ValidationError:
        raise ConfigError(f"memory: expected a size such as 2GiB, received {values['memory']!r}") from None
    return Share(cpus, gpus, memory)
