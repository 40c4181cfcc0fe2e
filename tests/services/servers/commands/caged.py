"""Commands run for tests: through the real cage, as the user that a test may drop to, with what they wrote and how they ended."""

import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from services.servers.commands.allowed import Plan
from services.servers.commands.running import Ended, Running, landlock_abi

AS_ROOT = os.geteuid() == 0
USER = (65_534, 65_534) if AS_ROOT else None
MIB = 1024 * 1024
PYTHON = "/usr/bin/python3"  # nobody can reach ours when it is root's
needs_landlock = pytest.mark.skipif(
    landlock_abi() < 6, reason="the kernel has no Landlock that knows signals (version 6)"
)
needs_python = pytest.mark.skipif(not os.access(PYTHON, os.X_OK), reason=f"there is no {PYTHON}")
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root can do what this is about")


def plan(*argv: str, **fields: Any) -> Plan:
    limits = {"seconds": 20.0, "output_bytes": MIB, "memory_bytes": 256 * MIB, "processes": 64, "user": USER}
    return Plan(**{"program": argv[0], "argv": argv, **limits, **fields})


def sh(line: str, **fields: Any) -> Plan:
    """A script in the cage of an allowed command."""
    return plan("/bin/sh", "-c", line, **fields)


class Ran:
    """One command, while it runs and after."""

    def __init__(self, what: Plan) -> None:
        loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[Ended] = loop.create_future()
        self.streams: dict[int, bytearray] = {1: bytearray(), 2: bytearray()}
        self.came = asyncio.Event()
        self.running = Running(what, loop, self._output, self._ended.set_result)

    def _output(self, stream: int, data: bytes) -> None:
        self.streams[stream] += data
        self.came.set()

    @property
    def stdout(self) -> str:
        return self.streams[1].decode()

    @property
    def stderr(self) -> str:
        return self.streams[2].decode()

    @property
    def is_over(self) -> bool:
        return self._ended.done()

    async def ended(self, within: float = 30.0) -> Ended:
        async with asyncio.timeout(within):
            return await self._ended

    async def first(self) -> None:
        """Until it has written something."""
        async with asyncio.timeout(10):
            await self.came.wait()


async def run(what: Plan) -> tuple[Ran, Ended]:
    ran = Ran(what)
    return ran, await ran.ended()


def alive(mark: str) -> list[int]:
    """Processes whose command line holds `mark`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if mark.encode() in line:
                found.append(int(entry.name))
    return found


def unique() -> str:
    """A number of seconds to sleep that no other process sleeps."""
    return str(secrets.randbelow(900_000_000) + 100_000_000)


_WORKER = """
import asyncio, os, signal, sys
from services.servers.commands import running, spawned
from tests.services.servers.commands.caged import *
async def main():
{body}
asyncio.run(main())
"""


@contextmanager
def worker(body: str, *wrapper: str) -> Iterator["subprocess.Popen[str]"]:
    """A process of its own that runs commands as a worker does: `body` is in a coroutine. Gone with the test."""
    script = _WORKER.format(body="\n".join(f"    {line}" for line in body.splitlines()))
    command = [*wrapper, sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def folder(mode: int = 0o755) -> Iterator[Path]:
    """A directory that the command's user can reach, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="sp-caged-") as path:
        Path(path).chmod(mode)
        yield Path(path)
