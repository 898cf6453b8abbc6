"""A Ray cluster on this machine: each node is a `ray start` process, with a loopback address of its own."""

import os
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support.project import REPOSITORY

PATIENCE = 120  # seconds that a node may take to start, or to end


class Cluster:
    """The processes of a cluster, and the environment in which its address and token are known.

    Args:
        folder: for what Ray writes.
        port: of the head.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.address = f"127.0.0.2:{port}"
        self.environment = {
            "RAY_ADDRESS": self.address,
            "RAY_AUTH_MODE": "token",  # other users of this machine cannot run code here
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        self.nodes: list[psutil.Popen] = []

    def add_node(self) -> psutil.Popen:
        """Start a node with one core, the head first; it has joined on return."""
        number = len(self.nodes) + 2
        port = self.address.rpartition(":")[2]
        where = (
            [f"--address={self.address}"]
            if self.nodes
            else ["--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={self.folder}/ray"]
        )
        command = [
            sys.executable, "-m", "ray.scripts.scripts", "start", *where,
            f"--node-ip-address=127.0.0.{number}", "--num-cpus=1",
            "--object-store-memory=100000000", "--disable-usage-stats", "--block",
        ]  # fmt: skip
        log = self.folder / f"node-{number}.log"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        with log.open("wb") as stream:
            node = psutil.Popen(
                command, stdout=stream, stderr=stream,
                env={**inherited, **self.environment, "RAY_ADDRESS": "", "PYTHONPATH": str(REPOSITORY)},
            )  # fmt: skip
        self.nodes.append(node)
        limit = time.monotonic() + PATIENCE
        while b"Ray runtime started" not in log.read_bytes():
            if node.poll() is not None or time.monotonic() > limit:
                raise RuntimeError(log.read_text(errors="replace"))
            time.sleep(0.1)
        return node

    def lose_node(self, node: psutil.Popen) -> None:
        """Kill a node as a power cut would: Ray's process there, with which the workers end."""
        raylet = next(child for child in node.children() if child.name() == "raylet")
        raylet.kill()
        node.wait(PATIENCE)

    def stop(self) -> None:
        """End what was started here, and nothing else: `ray stop` would end every Ray of this machine."""
        started = [process for node in self.nodes if node.is_running() for process in node.children(True)]
        for node in reversed(self.nodes):
            node.terminate()
        _, alive = psutil.wait_procs([*self.nodes, *started], timeout=20)
        for process in alive:
            process.kill()


@contextmanager
def cluster(nodes: int) -> Iterator[Cluster]:
    """A cluster with so many nodes of one core."""
    with socket.socket() as free:
        free.bind(("127.0.0.2", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        started = Cluster(Path(folder), port)
        try:
            for _ in range(nodes):
                started.add_node()
            yield started
        finally:
            started.stop()
