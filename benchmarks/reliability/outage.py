"""Stop the tracking server, then its database, while a suite trains: python -m benchmarks.reliability.outage.

A real `mlflow server` on a real PostgreSQL, both on 127.0.0.1 and in a temporary folder. Six runs at
split=small are tracked there; in the middle the server is stopped for 30 s, and later PostgreSQL, when the
server answers with errors. Against the same plan left alone: every run FINISHED exactly once, every epoch
logged once, all scores equal to the last digit. As root it installs Debian's `postgresql` if it is missing.
"""

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.plans import check, epochs_logged, start
from cifake.data import load

VARIANTS, SEEDS, EPOCHS = "base,sgd", 3, 60
RUNS = 2 * SEEDS
BINARIES = "/usr/lib/postgresql"
LIMIT = 1200  # seconds that anything here may take


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > limit:
            raise SystemExit(f"nothing after {LIMIT} s")
        time.sleep(0.5)


def install_postgres() -> Path:
    """The folder of the newest PostgreSQL's programs."""
    if not Path(BINARIES).is_dir():
        subprocess.run(["apt-get", "install", "--yes", "--quiet", "postgresql"], check=True)
    return max(Path(BINARIES).iterdir(), key=lambda path: float(path.name)) / "bin"


class Postgres:
    """A database cluster of its own; it refuses to run as root, so then as the user ``postgres``."""

    def __init__(self, folder: Path) -> None:
        self.programs, self.folder, self.port = install_postgres(), folder, free_port()
        self.who = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        folder.mkdir()
        if self.who:
            shutil.chown(folder, **self.who)
        make = [self.programs / "initdb", "-D", folder / "data", "-U", "mlflow", "--auth=trust"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=folder, **self.who)
        self.uri = f"postgresql+psycopg2://mlflow@127.0.0.1:{self.port}/postgres"

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        settings = ["-D", "data", "-h", "127.0.0.1", "-p", str(self.port), "-k", str(self.folder)]
        ready = [self.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        with (
            (self.folder / "log").open("a") as log,
            subprocess.Popen(
                [self.programs / "postgres", *settings], cwd=self.folder, stdout=log, stderr=log, **self.who
            ) as process,
            stopped_at_end(process, signal.SIGINT),  # ends the connections of the tracking server, too
        ):
            wait_for(lambda: subprocess.run(ready, check=False).returncode == 0)
            yield


class Server:
    """`mlflow server`, with a database driver of its own that cifake does not need."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.port = folder, free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        drivers = folder / "drivers"
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", drivers, "psycopg2-binary"]
        subprocess.run(install, check=True)
        self.environment = {
            **os.environ, "PYTHONPATH": str(drivers), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"
        }  # fmt: skip
        self.command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1",
                        "--port", str(self.port), "--backend-store-uri", database,
                        "--artifacts-destination", str(folder / "artifacts")]  # fmt: skip

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        with (
            (self.folder / "server.log").open("a") as log,
            subprocess.Popen(self.command, env=self.environment, stdout=log, stderr=log) as process,
            stopped_at_end(process, signal.SIGTERM),
        ):
            wait_for(lambda: self._answers(process))
            yield

    def _answers(self, process: subprocess.Popen) -> bool:
        if process.poll() is not None:
            raise SystemExit((self.folder / "server.log").read_text()[-2000:])
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=1):
                return True
        except OSError:
            return False


@contextlib.contextmanager
def stopped_at_end(process: subprocess.Popen, number: signal.Signals) -> Iterator[None]:
    try:
        yield
    finally:
        process.send_signal(number)
        process.wait(60)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability.outage")
    parser.add_argument("--seconds", type=int, default=30, help="of each outage")
    given = parser.parse_args()
    data = load("auto", "small")  # decoded before anything is stopped
    arguments = [f"seeds={SEEDS}", "split=small", f"epochs={EPOCHS}", "workers=2"]
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as database:
        folder = Path(name)
        folder.chmod(0o755)  # for the user postgres
        postgres = Postgres(folder / "postgres")
        database.enter_context(postgres.running())
        server = Server(folder, postgres.uri)
        with server.running():
            suite = start(folder, server.uri, VARIANTS, *arguments)
            wait_for(lambda: epochs_logged(server.uri) > EPOCHS)
        print(f"the tracking server is stopped for {given.seconds} s", flush=True)
        time.sleep(given.seconds)
        with server.running():
            before = epochs_logged(server.uri)
            wait_for(lambda: epochs_logged(server.uri) > before + EPOCHS)
            database.close()
            print(f"PostgreSQL is stopped for {given.seconds} s", flush=True)
            time.sleep(given.seconds)
            database.enter_context(postgres.running())
            code = suite.wait(LIMIT)
            log = (folder / "suite.log").read_text()
            print("\n".join(line for line in log.splitlines() if "waiting:" in line))
            assert code == 0, log[-3000:]
            undisturbed = f"sqlite:///{folder}/undisturbed.db"
            assert start(folder, undisturbed, VARIANTS, *arguments).wait(LIMIT) == 0
            check(server.uri, undisturbed, RUNS, EPOCHS)
    print(f"{RUNS} runs of {EPOCHS} epochs on {data.name} FINISHED once, every epoch logged once, all scores "
          "equal")  # fmt: skip


if __name__ == "__main__":
    main()
