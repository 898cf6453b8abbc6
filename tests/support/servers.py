"""MLflow servers on the loopback interface, stopped by the test that started them."""

import base64
import contextlib
import http.server
import itertools
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest


def free_tcp_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.contextmanager
def serve(folder, port, store):
    """An MLflow server on a store in a folder; yields its address as soon as it answers."""
    uri = f"http://127.0.0.1:{port}"
    options = {
        "--host": "127.0.0.1",
        "--port": str(port),
        "--workers": "1",
        "--backend-store-uri": f"sqlite:///{store}",
        "--artifacts-destination": str(folder / "served"),
    }
    command = [sys.executable, "-m", "mlflow", "server", *itertools.chain(*options.items())]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # three processes more
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            _wait_for(f"{uri}/health")
            yield uri
        finally:
            server.terminate()


def _wait_for(address):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"{address} does not answer")


@contextlib.contextmanager
def guarded(upstream, port, users):
    """What stands before a server in a company: names and passwords; yields its address without them.

    Args:
        upstream: the server's address.
        port: of the proxy.
        users: by name, the password and whether the user may write.
    """

    class Guard(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name, _, password = self._credentials().partition(":")
            known, may_write = users.get(name, (None, False))
            if password != known:
                return self._send(401, b"You are not authenticated.")
            reads = self.command == "GET" or self.path.partition("?")[0].endswith(
                ("search", "get-history-bulk")
            )
            if not may_write and not reads:
                return self._send(403, b"Permission denied")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kept = {key: self.headers[key] for key in ("Content-Type",) if self.headers[key]}
            request = urllib.request.Request(upstream + self.path, body or None, kept, method=self.command)
            try:
                with urllib.request.urlopen(request) as answer:
                    return self._send(answer.status, answer.read(), answer.headers["Content-Type"])
            except urllib.error.HTTPError as error:
                return self._send(error.code, error.read(), error.headers["Content-Type"])

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815, names of http.server

        def _credentials(self):
            return base64.b64decode(self.headers.get("Authorization", "").partition(" ")[2]).decode()

        def _send(self, status, body, kind="text/plain"):
            self.send_response(status)
            self.send_header("Content-Type", kind or "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Guard) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{port}"
        server.shutdown()


@contextlib.contextmanager
def answering(status, body):
    """A server that answers every request alike; yields its address."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815, a name of http.server's

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
