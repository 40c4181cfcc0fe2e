"""A Sockpanel process under test, and what a test asks of it. Nothing of Django: it is spoken to from outside."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import psutil

from tests.ports import free_port_of_localhost
from tests.sockpanel import empty
from tests.sockpanel.visitor import Visitor
from tests.waiting import eventually

CHECKOUT = Path(__file__).resolve().parent.parent.parent
START, STOP = 30.0, 20.0  # seconds


class Panel:
    """`manage.py up`, or another command that serves the panel."""

    def __init__(
        self,
        command: str = "up",
        arguments: Sequence[str] = (),
        *,
        admin: bool = True,
        data_dir: Path | None = None,
        **settings: str,
    ) -> None:
        self.host, self.port = "127.0.0.1", free_port_of_localhost()
        self.data_dir = data_dir or Path(tempfile.mkdtemp(prefix="sp-"))
        self._owns_data = data_dir is None
        self.username, self.password = "ada", "correct horse battery staple"
        self.command = [sys.executable, str(CHECKOUT / "manage.py"), command, *arguments]
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("SOCKPANEL_", "DJANGO_"))},
            "SOCKPANEL_DATA_DIR": str(self.data_dir),
            "SOCKPANEL_PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
            **settings,
        }
        self.port = int(self.environment["SOCKPANEL_PORT"])
        self._admin = (
            {"SOCKPANEL_ADMIN_USERNAME": self.username, "SOCKPANEL_ADMIN_PASSWORD": self.password} if admin else {}
        )
        self._lines: list[str] = []

    @property
    def base_url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def start(self, ready: bool = True) -> None:
        """Start it; with `ready` wait until its health page answers."""
        if self._owns_data and "DATABASE_URL" not in self.environment:
            empty.copy_to(self.data_dir)
        self.process = subprocess.Popen(
            self.command,
            env=self.environment | self._admin,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not ready:
            return
        try:
            eventually(self._is_ready, START)
        except BaseException:
            self.end()
            raise

    def _read(self) -> None:
        assert self.process.stdout
        self._lines.extend(iter(self.process.stdout.readline, ""))

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, self.log()
        try:
            return self.visitor().get("/healthz").status == 200
        except OSError:
            return False

    def log(self) -> str:
        """What it has printed, standard error included."""
        return "".join(self._lines)

    def setup_token(self) -> str:
        """The token of the printed set-up link."""
        found = eventually(lambda: re.search(r"/setup#token=(\S+)", self.log()), START)
        return found[1]

    def visitor(self) -> Visitor:
        """Somebody who is not signed in."""
        return Visitor(self.host, self.port)

    def login(self, username: str = "", password: str = "") -> Visitor:
        """Somebody signed in, the admin unless said otherwise."""
        visitor = self.visitor()
        answer = visitor.sign_in(username or self.username, password or self.password)
        assert answer.status == 302, answer
        return visitor

    @cached_property
    def token(self) -> str:
        """A Bearer token of the admin."""
        return self.manage("token", "create", self.username).stdout.split()[-1]

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run another command on the same data directory."""
        command = [sys.executable, str(CHECKOUT / "manage.py"), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)

    def children(self, recursive: bool = True) -> dict[str, psutil.Process]:
        """Its processes by the last word of their command line: supervise, web ..."""
        found = {}
        for process in psutil.Process(self.process.pid).children(recursive=recursive):
            try:
                found[process.cmdline()[-1]] = process
            except (psutil.Error, IndexError):
                continue  # it has just ended
        return found

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it by a signal; the exit code."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait until it has ended; the exit code."""
        code = self.process.wait(STOP)
        self._reader.join(STOP)
        return code

    def end(self) -> None:
        """For fixtures: nothing of it is left."""
        if self.process.poll() is None:
            left = psutil.Process(self.process.pid).children(recursive=True)
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                for process in [self.process, *left]:
                    process.kill()
                self.ended()
        if self.process.stdout:
            self.process.stdout.close()
        if self._owns_data:
            shutil.rmtree(self.data_dir, ignore_errors=True)
