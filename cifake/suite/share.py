"""What each run asks of a cluster: cores, GPUs, memory."""

from dataclasses import dataclass

from pydantic import ByteSize


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
