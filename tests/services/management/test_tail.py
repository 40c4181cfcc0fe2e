"""`manage.py servers tail`: what was recorded, then what comes, harmless to a terminal, until Ctrl-C."""

import asyncio
import re
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from services import operations
from services.models import Message
from tests.ports import free_port

Manage = Callable[..., Awaitable[Any]]
both = pytest.mark.django_db(transaction=True, databases=["default", "messages"])


@pytest.fixture
async def recorded() -> None:
    """A server lab with four recorded messages."""

    def record() -> None:
        server = operations.create({"preset": "echo", "name": "lab", "port": free_port()}, "ada")
        for seq, data in enumerate([b"first", b"\x1b[31mred\n", b"\xff\x00", b"last"], 1):
            Message.objects.create(
                server_id=server.pk, seq=seq, at=seq, run=1, connection=7, peer="127.0.0.1:5000", direction=seq == 4,
                data=data, size=len(data) + 10 * (seq == 3), sent_by="ada" if seq == 4 else "",
            )  # fmt: skip

    await asyncio.to_thread(record)


@both
async def test_the_newest_are_shown_escaped_in_order(recorded: None, manage: Manage) -> None:
    done = await manage("servers", "tail", "lab", "--no-follow", "--lines", "3")
    assert [line.split(" ", 1)[1] for line in done.out.splitlines()] == [
        r"-> in  #7 127.0.0.1:5000 9 B  \x1b[31mred\n",
        r"-> in  #7 127.0.0.1:5000 12 B  \xff\0 ... (10 bytes not kept)",
        "<- out #7 127.0.0.1:5000 4 B  last  (sent by ada)",
    ]


@both
async def test_a_script_gets_a_message_a_line(recorded: None, manage: Manage) -> None:
    done = await manage("servers", "tail", "lab", "--no-follow", "--json")
    told = [msgspec.json.decode(line) for line in done.out.splitlines()]
    assert [one["seq"] for one in told] == [1, 2, 3, 4]
    assert (told[2]["data"], told[2]["truncated"], told[3]["direction"]) == ("/wA=", True, "out")


@both
async def test_raw_gives_the_bytes_and_nothing_else(recorded: None, manage: Manage) -> None:
    done = await manage("servers", "tail", "lab", "--no-follow", "--raw", "--lines", "2")
    assert done.out_bytes == b"\xff\x00last"


async def test_new_messages_are_printed_as_they_come_until_ctrl_c(begin: Any, lab: int, books: Any) -> None:
    books.control("UPDATE services_server SET wanted = 'running'")
    following = await begin("servers", "tail", "lab")
    supervisor = await begin("supervise")
    await books.serving()
    _, writer = await asyncio.open_connection("127.0.0.1", lab)
    for word in (b"one", b"two"):
        writer.write(word)
        assert re.search(rf" -> in  #1 127\.0\.0\.1:\d+ 3 B  {word.decode()}$", await following.line("->"))
        assert (await following.line("<- out")).endswith(word.decode())
    done = await following.end(signal.SIGINT)
    assert (done.code, done.out, done.err) == (0, "", "")
    writer.close()
    assert supervisor.process.returncode is None
