"""Commands run as people run them: in processes of their own, with a data directory of their own."""

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.management import ManagementUtility

CHECKOUT = Path(__file__).resolve().parents[3]
WITHIN = 40.0  # seconds for one command, on a busy machine


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)


Manage = Callable[..., Awaitable[Finished]]


class Running:
    """A command that runs until it is told to end; its lines are read one by one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def line(self, part: str) -> str:
        """The first line from here on that holds `part`."""
        assert self.process.stdout
        async with asyncio.timeout(WITHIN):
            while raw := await self.process.stdout.readline():
                self.lines.append(raw.decode().rstrip("\n"))
                if part in self.lines[-1]:
                    return self.lines[-1]
        raise AssertionError(f"it ended without {part!r}: {self.lines} {await self.errors()}")

    async def errors(self) -> str:
        assert self.process.stderr
        return (await self.process.stderr.read()).decode()

    async def end(self, signal: int) -> Finished:
        """Send the signal and wait for the end."""
        self.process.send_signal(signal)
        return await self.finished()

    async def finished(self) -> Finished:
        async with asyncio.timeout(WITHIN):
            out, err = await self.process.communicate()
        return Finished(self.process.returncode or 0, out.decode(), err.decode())


Begin = Callable[..., Awaitable[Running]]


@pytest.fixture
async def begin(environment: dict[str, str]) -> AsyncIterator[Begin]:
    """Begin `manage.py ...` and go on; whatever still runs at the end of the test is ended."""
    begun: list[asyncio.subprocess.Process] = []

    async def start(*words: str, stdin: int = asyncio.subprocess.DEVNULL) -> Running:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            CHECKOUT / "manage.py",
            *words,
            env=environment,
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        begun.append(process)
        return Running(process)

    yield start
    for process in begun:
        if process.returncode is None:
            process.terminate()
            async with asyncio.timeout(WITHIN):
                await process.communicate()


@pytest.fixture
def manage(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Manage:
    """Run `manage.py ...` to its end in this process, in a thread; bytes piped in where there are some."""

    async def run(*words: str, stdin: bytes = b"") -> Finished:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfdbinary.readouterr()
        async with asyncio.timeout(WITHIN):
            code = await asyncio.to_thread(_run, words)
        out, err = capfdbinary.readouterr()
        return Finished(code, out.decode(), err.decode())

    return run


def _run(words: tuple[str, ...]) -> int:
    try:
        ManagementUtility(["manage.py", *words]).execute()
    except SystemExit as end:
        return int(end.code or 0)
    return 0
