"""Sockpanel as its users run it, in a data directory that is thrown away: `manage.py up`, spoken to over its API."""

import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
PASSWORD = "a long enough passphrase"
USER = "bench"


class Product:
    """A running Sockpanel."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory, self.port = directory, port
        self.base = f"http://127.0.0.1:{port}"
        self.environment = os.environ | {
            "SOCKPANEL_DATA_DIR": str(directory),
            "SOCKPANEL_PORT": str(port),
            "SOCKPANEL_ADMIN_USERNAME": USER,
            "SOCKPANEL_ADMIN_PASSWORD": PASSWORD,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.token = ""

    def manage(self, *words: str) -> str:
        """What a command prints."""
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=CHECKOUT, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=CHECKOUT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
        )
        until(self._answers, 30)
        self.token = self.manage("token", "create", USER).split()[-1]
        until(lambda: self.ask("GET", "/node")["supervisor"]["alive"], 30)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def _answers(self) -> bool:
        try:
            return self.fetch("/healthz")[0] == 200
        except OSError:
            return False

    def fetch(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        """Status and body of a page."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ask(self, method: str, path: str, words: Any = None) -> Any:
        """What the API answers. Raises RuntimeError for a refusal."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection.request(method, f"/api/v1{path}", json.dumps(words) if words is not None else None, headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {body.decode()}")
        return json.loads(body) if body else None

    def counters(self, name: str) -> dict[str, Any]:
        """What it has counted so far."""
        return dict(self.ask("GET", f"/servers/{name}")["counters"])

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the messages database says, read past everything that keeps it."""
        with closing(sqlite3.connect(f"file:{self.directory}/messages.sqlite3?mode=ro", uri=True)) as database:
            return database.execute(query, values).fetchall()

    def running(self, **words: Any) -> dict[str, Any]:
        """A created and started server."""
        server = self.ask("POST", "/servers", words)
        return dict(self.ask("POST", f"/servers/{server['name']}/start"))


@contextmanager
def product() -> Iterator[Product]:
    """A Sockpanel for the length of the block."""
    directory = Path(tempfile.mkdtemp(prefix="sp-bench-"))
    directory.chmod(0o700)
    running = Product(directory, free_port())
    try:
        running.start()
        yield running
    finally:
        running.stop()
        shutil.rmtree(directory, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """So many free TCP ports, no two alike."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(probe.getsockname()[1]) for probe in probes]


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether somebody takes TCP connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def until(probe: Any, within: float) -> Any:
    """The first true answer of `probe`."""
    end = time.monotonic() + within
    while not (answer := probe()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {within:g} s")
        time.sleep(0.01)
    return answer


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
