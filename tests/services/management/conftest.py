"""Commands run as people run them: in processes of their own, with a data directory of their own."""

import asyncio
import contextlib
import io
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
import msgspec
import pytest
from django.core.management import ManagementUtility

from tests.ports import free_port
from tests.waiting import eventually_async

CHECKOUT = Path(__file__).resolve().parents[3]
WITHIN = 40.0  # seconds for one command, on a busy machine


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out_bytes: bytes
    err: str

    @property
    def out(self) -> str:
        return self.out_bytes.decode()

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
        return Finished(self.process.returncode or 0, out, err.decode())


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
    """Run `manage.py ...` to its end in this process, in a thread. `stdin` is piped in, or `typed` at a terminal."""

    async def run(*words: str, stdin: bytes = b"", typed: bytes | None = None) -> Finished:
        piped = io.TextIOWrapper(io.BytesIO(stdin if typed is None else typed))
        monkeypatch.setattr(piped, "isatty", lambda: typed is not None)
        monkeypatch.setattr(sys, "stdin", piped)
        monkeypatch.setattr(django, "setup", bool)  # it was: once more would tie the log to the stderr of this test
        capfdbinary.readouterr()
        async with asyncio.timeout(WITHIN):
            code = await asyncio.to_thread(_run, words)
        out, err = capfdbinary.readouterr()
        return Finished(code, out, err.decode())

    return run


def _run(words: tuple[str, ...]) -> int:
    try:
        ManagementUtility(["manage.py", *words]).execute()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


class Books:
    """The databases of a data directory, looked at from outside."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def control(self, statement: str, *values: object) -> list[Any]:
        return self._run("control", statement, values)

    def messages(self) -> list[tuple[int, bytes]]:
        return self._run("messages", "SELECT direction, data FROM services_message ORDER BY seq", ())

    async def serving(self) -> None:
        """Wait until lab is RUNNING."""
        await eventually_async(
            lambda: self._run("messages", "SELECT 1 FROM services_status WHERE state = 'RUNNING'", ()), 30
        )

    def pid(self) -> int:
        """The worker's."""
        return int(self._run("messages", "SELECT pid FROM services_status", ())[0][0])

    def wanted(self) -> str:
        return str(self.control("SELECT wanted FROM services_server")[0][0])

    def _run(self, name: str, statement: str, values: tuple[object, ...]) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self.directory / f"{name}.sqlite3", timeout=20)) as database, database:
            return database.execute(statement, values).fetchall()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with both databases and one stopped echo server, to be copied."""
    directory = tmp_path_factory.mktemp("prepared")
    lines = (
        "import django; django.setup()",
        "from services import databases, operations",
        "databases.prepare(); operations.create({'preset': 'echo', 'name': 'lab'}, 'ada')",
    )
    environment = os.environ | {"SOCKPANEL_DATA_DIR": str(directory)}
    subprocess.run([sys.executable, "-c", "\n".join(lines)], cwd=CHECKOUT, env=environment, check=True)
    return directory


@pytest.fixture
def books(prepared: Path, data_directory: Path) -> Books:
    """The test's own databases, which hold the stopped server lab."""
    shutil.copytree(prepared, data_directory, dirs_exist_ok=True)
    return Books(data_directory)


@pytest.fixture
def lab(books: Books) -> int:
    """The port of lab."""
    port = free_port()
    books.control("UPDATE services_server SET port = ?", port)
    return port
