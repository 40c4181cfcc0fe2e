"""A panel whose workers misbehave when they are told to (injected/sitecustomize.py).

tamed.tell(tamed.serve_with_pid("echo"), "spin")
"""

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

from services.supervisor import lock
from tests.chaos.stage import Scene
from tests.sockpanel.panel import Panel
from tests.waiting import eventually

INJECTED = Path(__file__).with_name("injected")


class Tamed(Scene):
    """A scene without clients, for what happens to processes."""

    def __init__(self, panel: Panel, folder: Path, chaos: Path) -> None:
        super().__init__(panel, folder)
        self.chaos = chaos

    def tell(self, pid: int, what: str) -> None:
        """Have a worker do it: spin, deaf, escape, flood."""
        (self.chaos / str(pid)).write_text(what)
        os.kill(pid, signal.SIGUSR1)

    def look(self, name: str) -> dict[str, Any]:
        return self.ask("GET", f"/servers/{name}")

    def until(self, name: str, probe: Callable[[dict[str, Any]], object], within: float = 30.0) -> dict[str, Any]:
        """The first description of a server that `probe` finds true."""

        def look() -> dict[str, Any] | None:
            seen = self.look(name)
            return seen if probe(seen) else None

        return eventually(look, within)

    def serve_with_pid(self, name: str, **words: Any) -> int:
        """A TCP server that echoes lines; the pid of its worker."""
        self.serve(name, "tcp", **words)
        return self.pid(name)

    def pid(self, name: str) -> int:
        """Of its worker, once it runs."""
        return int(self.until(name, lambda seen: seen["state"] == "RUNNING")["pid"])

    def noted(self, name: str, within: float = 10.0) -> str:
        """What a worker wrote down when it had done something."""
        file = self.chaos / name
        return eventually(lambda: file.exists() and file.read_text(), within)

    def starts(self, since_run: int = 1) -> list[float]:
        """When workers of the servers that there are were started, in seconds; from each one's run of that number on."""
        ours = {served.id for served in self.servers.values()}
        with closing(sqlite3.connect(f"file:{self.panel.data_dir / 'messages.sqlite3'}?mode=ro", uri=True)) as database:
            found = database.execute("SELECT server_id, started_at FROM services_run WHERE number >= ?", (since_run,))
            return sorted(at / 1e6 for server, at in found if server in ours)

    @property
    def supervisor(self) -> psutil.Process:
        return eventually(lambda: self.panel.children(recursive=False).get("supervise"))

    def holder(self) -> int | None:
        """The pid of the supervisor that has the lock: it has begun, and hears signals."""
        return lock.holder(self.panel.data_dir, "local")

    def remove_all(self) -> None:
        for described in self.ask("GET", "/servers")["servers"]:
            self.ask("DELETE", f"/servers/{described['name']}")
        while self.servers:
            self.servers.popitem()[1].probe.ledger.__exit__()
