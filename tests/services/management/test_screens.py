"""What the commands show on a real terminal: whatever strangers sent, nothing of it acts there unless --raw was said."""

import asyncio
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from services.servers.commands.wire import Exit, Run
from tests.hostile import corpus
from tests.ports import free_port
from tests.services.client.keyfiles import kept, pem
from tests.services.client.remote import Seat, remote
from tests.services.servers.commands.sides import LAB

CHECKOUT = Path(__file__).resolve().parents[3]
WITHIN = 40.0  # seconds for one command, on a busy machine
ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
EVERY = b"\n".join(corpus())


class Terminal:
    """A command on a terminal of its own, and everything that appeared there."""

    def __init__(self, environment: dict[str, str], *words: str) -> None:
        self._ours, theirs = pty.openpty()
        command = [sys.executable, str(CHECKOUT / "manage.py"), *words]
        environment = environment | {"DJANGO_COLORS": "nocolor"}  # our own red for failures
        self.process = subprocess.Popen(
            command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, process_group=0
        )
        os.close(theirs)
        self.seen = b""

    def read(self, wanted: bytes = b"") -> str:
        """Until `wanted` has appeared, or to its end."""
        try:
            while not wanted or wanted not in self.seen:
                piece = os.read(self._ours, 65_536)
                self.seen += piece
                if not piece:
                    break
        except OSError:  # the other side is closed
            pass
        return self.seen.decode().replace("\r\n", "\n")

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.fixture
def terminal(environment: dict[str, str]) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def open_one(*words: str) -> Terminal:
        opened.append(Terminal(environment, *words))
        return opened[-1]

    yield open_one
    for one in opened:
        one.end()


async def shown(terminal: Terminal, wanted: bytes = b"") -> str:
    async with asyncio.timeout(WITHIN):
        return await asyncio.to_thread(terminal.read, wanted)


@pytest.fixture
async def echo() -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield str(server.sockets[0].getsockname()[1])
    server.close()


async def test_an_answer_is_shown_and_not_obeyed(terminal: Any, echo: str, tmp_path: Path) -> None:
    (tmp_path / "hostile").write_bytes(EVERY[-8_000:])
    for words in ((), ("--json",)):
        screen = await shown(
            terminal("client", "tcp", "127.0.0.1", echo, "--file", str(tmp_path / "hostile"), "--finish", *words)
        )
        assert "8,000" in screen or '"bytes_received": 8000' in screen
        assert not ACTS.search(screen)


async def test_an_answer_acts_for_whoever_says_raw(terminal: Any, echo: str) -> None:
    screen = await shown(terminal("client", "tcp", "127.0.0.1", echo, "--hex", "1b5b306d", "--finish", "--raw"))
    assert screen == "\x1b[0m"


def writing(data: bytes) -> Callable[[Seat, Run], None]:
    """A command that writes it in pieces, to both streams by turns."""

    def answer(seat: Seat, run: Run) -> None:
        for start in range(0, len(data), 1_000):
            seat.send(seat.side.output(run.number, 1 + start // 1_000 % 2, data[start : start + 1_000]))
        seat.send(seat.side.exit(run.number, Exit(code=0, why="\x1b[2J")))

    return answer


@pytest.mark.parametrize(("words", "acts"), [((), False), (("--raw",), True)])
async def test_the_output_of_a_remote_command_acts_only_for_whoever_says_raw(
    terminal: Any, tmp_path: Path, words: tuple[str, ...], acts: bool
) -> None:
    key = kept(tmp_path / "lab.pem", pem(LAB))
    async with remote(writing(EVERY if not acts else b"\x1b[0m")) as (_, port):
        screen = await shown(terminal("client", "command", "127.0.0.1", str(port), "--key", key, *words, "--", "x"))
    assert bool(ACTS.search(screen)) is acts
    assert acts or "alert(1)" in screen
    assert screen.endswith("\\x1b[2J\n")


async def test_messages_are_shown_a_line_each(terminal: Any, books: Any) -> None:
    messages = corpus()
    with closing(sqlite3.connect(books.directory / "messages.sqlite3")) as database, database:
        server = books.control("SELECT id FROM services_server")[0][0]
        row = (
            "INSERT INTO services_message (server_id, seq, at, run, connection, peer, direction, size, sent_by, data) "
        )
        peer = "\x1b[2J\u202e\x9b31m"
        database.executemany(
            f"{row} VALUES ({server}, ?, 1, 1, 1, ?, 0, ?, '', ?)",
            [(seq, peer, len(data), data) for seq, data in enumerate(messages, 1)],
        )
    screen = await shown(terminal("servers", "tail", "lab", "-n", "1000", "--no-follow"))
    assert not ACTS.search(screen)
    assert screen.count("\n") == len(messages)
    told = await shown(terminal("servers", "tail", "lab", "-n", "1000", "--no-follow", "--json"))
    assert not ACTS.search(told)
    assert [json.loads(line)["peer"] for line in told.splitlines()] == [peer] * len(messages)


async def test_a_server_in_the_foreground_shows_what_comes_a_line_each(terminal: Any) -> None:
    port, messages = free_port(), corpus()[-200:]
    framing = ("--set", "framing.type=length", "--set", "framing.size=4", "--reply", "none")
    running = terminal("runservice", "echo", "--port", str(port), *framing)
    await shown(running, b"serves on")
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.writelines(len(data).to_bytes(4, "big") + data for data in [*messages, b"that was all"])
    await shown(running, b"that was all")
    writer.close()
    running.process.send_signal(signal.SIGINT)
    screen = await shown(running)
    assert not ACTS.search(screen)
    assert screen.count(" -> in ") == len(messages) + 1
