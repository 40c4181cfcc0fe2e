"""The process of tests.sockpanel.polite, for tests that speak to it."""

import http.client
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent


class Polite:
    """Runs until `stop` or `kill`; `arguments` as the module says."""

    def __init__(self, *arguments: str) -> None:
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed by `end`)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.sockpanel.polite", *arguments],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.port = int(self.line())

    def line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def log(self) -> list[str]:
        """What it has written on standard error."""
        self._log.seek(0)
        return self._log.read().splitlines()

    def get(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()

    def made(self) -> int:
        """Bytes of /stream made so far."""
        return int(self.get("/produced"))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()
        self._log.close()


@contextmanager
def serving(*arguments: str) -> Iterator[Polite]:
    polite = Polite(*arguments)
    try:
        yield polite
    finally:
        polite.end()
