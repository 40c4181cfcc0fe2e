"""Every preset behaves to the byte as its own client expects: real worker, real supervisor, plain sockets."""

import asyncio
import contextlib
import re
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from services.client.commands import Output, Target, connect
from services.presets import PRESETS
from services.servers import report, validation
from services.supervisor.states import State
from tests.ports import free_port
from tests.services.servers.commanding import all_of, briefing
from tests.services.servers.commands.sides import LAB, SERVER_KEY
from tests.services.serving import Served, running
from tests.waiting import eventually_async

CTIME = rb"\[(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\] "
NAMES = (
    "echo upper upper-udp timestamp timestamp-udp over upper-once from-server receive sink time "
    "broadcast-receiver broadcast-sender command command-ready"
).split()

# preset, what a client sends, what it gets (a pattern), whether the connection then closes
TCP = [
    ("echo", b"abc", rb"abc", False),
    ("echo", bytes(range(256)), re.escape(bytes(range(256))), False),
    ("upper", b"hello", rb"HELLO", False),
    ("timestamp", "Python编程".encode(), CTIME + "Python编程".encode(), False),
    ("over", b"anything", rb"over", True),
    ("upper-once", b"Hello,I am client!", rb"HELLO,I AM CLIENT!", True),
    ("from-server", b"hi", rb"hifrom server", False),
]
UDP = [
    ("upper-udp", b"hello", rb"HELLO"),
    ("upper-udp", b"", rb""),
    ("timestamp-udp", "Python编程".encode(), CTIME + "Python编程".encode()),
    ("receive", b"anything", rb"Receive"),
    ("receive", b"", rb"Receive"),
    ("time", b"", rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"),
    ("time", b"%Y %m %d", rb"\d{4} \d\d \d\d"),
]
HOSTS = ["127.0.0.1", "::1"]


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Run a preset on a free port, with fields of its own."""
    async with contextlib.AsyncExitStack() as stack:

        async def run(name: str, **words: Any) -> Served:
            fields = {"name": name, **PRESETS[name].server} | words
            if "port" not in words and fields["transport"] in ("tcp", "udp"):
                kind = socket.SOCK_STREAM if fields["transport"] == "tcp" else socket.SOCK_DGRAM
                fields["port"] = free_port(kind, fields["host"])
            told = briefing() if fields["kind"] == "command" else None
            return await stack.enter_async_context(running(validation.build(fields), told))

        yield run


async def read(reader: asyncio.StreamReader, pattern: bytes) -> bytes:
    """Bytes until they match the whole pattern, or the stream ends."""
    got = b""
    async with asyncio.timeout(5):
        while not re.fullmatch(pattern, got, re.DOTALL) and (piece := await reader.read(65_536)):
            got += piece
    return got


@contextlib.asynccontextmanager
async def connected(served: Served) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await served.connect()
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


def test_the_table_holds_the_designs_presets_in_its_order() -> None:
    assert list(PRESETS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_is_a_server_once_it_has_a_name(name: str) -> None:
    spec = validation.build({"name": name, **PRESETS[name].server})
    assert (spec.kind, spec.transport) == (PRESETS[name].server["kind"], PRESETS[name].server["transport"])


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_says_what_it_does_and_how_to_try_it(name: str) -> None:
    preset = PRESETS[name]
    assert preset.title
    assert preset.explains.endswith(".")
    assert "{" not in preset.try_at("0.0.0.0", 4711)
    assert "0.0.0.0" not in preset.try_at("0.0.0.0", 4711)


def test_ports_and_addresses_are_the_designs() -> None:
    ports = {name: preset.server["port"] for name, preset in PRESETS.items()}
    assert ports == dict(
        zip(NAMES, [8007, 8081, 8082, 8080, 8080, 8888, 8083, 8084, 8889, 9998, 9000, 9999, 0, 9997, 9996], strict=True)
    )
    public = {name for name, preset in PRESETS.items() if preset.server["host"] != "127.0.0.1"}
    assert public == {"timestamp", "broadcast-receiver", "broadcast-sender"}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(("name", "sent", "gets", "closes"), TCP)
async def test_over_tcp_the_client_gets(
    serve: Serve, name: str, sent: bytes, gets: bytes, closes: bool, host: str
) -> None:
    served = await serve(name, host=host)
    async with connected(served) as (reader, writer):
        writer.write(sent)
        assert re.fullmatch(gets, await read(reader, gets), re.DOTALL)
        if closes:
            async with asyncio.timeout(5):
                assert await reader.read() == b""
        assert reader.at_eof() == closes


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(("name", "sent", "gets"), UDP)
async def test_over_udp_the_client_gets(serve: Serve, name: str, sent: bytes, gets: bytes, host: str) -> None:
    assert re.fullmatch(gets, await (await serve(name, host=host)).ask(sent), re.DOTALL)


@pytest.mark.parametrize(("name", "sent", "gets"), [row[:3] for row in TCP])
async def test_over_a_unix_socket_the_client_gets(
    serve: Serve, tmp_path: Path, name: str, sent: bytes, gets: bytes
) -> None:
    served = await serve(name, transport="unix", host=str(tmp_path / "s"))
    async with connected(served) as (reader, writer):
        writer.write(sent)
        assert re.fullmatch(gets, await read(reader, gets), re.DOTALL)


@pytest.mark.parametrize(("name", "sent", "gets"), [row for row in UDP if PRESETS[row[0]].server["kind"] == "udp"])
async def test_over_unix_datagrams_the_client_gets(
    serve: Serve, tmp_path: Path, name: str, sent: bytes, gets: bytes
) -> None:
    served = await serve(name, transport="unix-dgram", host=str(tmp_path / "s"))
    assert re.fullmatch(gets, await served.ask(sent), re.DOTALL)


@pytest.mark.parametrize("name", [row[0] for row in TCP if row[1] != bytes(range(256))])
async def test_tcp_presets_serve_several_clients_at_once(serve: Serve, name: str) -> None:
    served = await serve(name, host="127.0.0.1")
    gets = next(gets for row, _, gets, _ in TCP if row == name)
    sent = next(sent for row, sent, _, _ in TCP if row == name)
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(served)) for _ in range(20)]
        for _, writer in reversed(clients):
            writer.write(sent)
        answers = await asyncio.gather(*(read(reader, gets) for reader, _ in clients))
    assert all(re.fullmatch(gets, answer, re.DOTALL) for answer in answers)


@pytest.mark.parametrize("name", ["upper-udp", "timestamp-udp", "receive", "time"])
async def test_udp_presets_answer_each_of_several_clients(serve: Serve, name: str) -> None:
    served = await serve(name)
    row = next(row for row in UDP if row[0] == name)
    answers = await asyncio.gather(*(served.ask(row[1]) for _ in range(20)))
    assert all(re.fullmatch(row[2], answer, re.DOTALL) for answer in answers)


@pytest.mark.parametrize(
    ("name", "gets"), [("upper", b"HELLO"), ("echo", b"hello"), ("from-server", b"hellofrom server")]
)
async def test_one_connection_may_send_many(serve: Serve, name: str, gets: bytes) -> None:
    served = await serve(name)
    async with connected(served) as (reader, writer):
        for _ in range(50):
            writer.write(b"hello")
            assert await read(reader, gets) == gets


async def test_a_time_stamp_is_the_time(serve: Serve) -> None:
    before = time.time()
    answer = (await (await serve("timestamp-udp")).ask(b"x")).decode()
    stamp = time.mktime(time.strptime(answer[1:25], "%a %b %d %H:%M:%S %Y"))
    assert int(before) <= stamp <= time.time()


async def test_a_client_that_resets_disturbs_nobody(serve: Serve) -> None:
    served = await serve("from-server")
    async with connected(served) as (reader, writer):
        with socket.create_connection(served.address) as rude:
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            rude.sendall(b"bye")
        writer.write(b"hi")
        assert await read(reader, b"hifrom server") == b"hifrom server"
    await eventually_async(lambda: len(served.diary.closed) == 2)
    assert served.diary.state is State.RUNNING


async def test_a_sink_answers_nothing_and_keeps_everything(serve: Serve) -> None:
    served = await serve("sink")
    with served.datagram_socket() as sock:
        for data in (b"one", b"", b"\xff\x00"):
            sock.send(data)
        await eventually_async(lambda: len(served.diary.messages) == 3)
        with pytest.raises(BlockingIOError):
            sock.recv(1)
    assert [(direction, data) for _, direction, data in served.diary.messages] == [
        (report.IN, b"one"),
        (report.IN, b""),
        (report.IN, b"\xff\x00"),
    ]


async def test_a_broadcast_is_received_with_its_sender(serve: Serve) -> None:
    served = await serve("broadcast-receiver", port=free_port(socket.SOCK_DGRAM, "0.0.0.0"))
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sender.bind(("127.0.0.1", 0))
        sender.sendto(b"hello all", ("127.255.255.255", served.spec.port))
        await eventually_async(lambda: served.diary.messages)
        assert served.diary.messages == [(f"127.0.0.1:{sender.getsockname()[1]}", report.IN, b"hello all")]


async def test_a_broadcast_sender_sends_again_and_again(serve: Serve) -> None:
    loop = asyncio.get_running_loop()
    with socket.socket(type=socket.SOCK_DGRAM) as receiver:
        receiver.bind(("0.0.0.0", 0))
        receiver.setblocking(False)
        options = PRESETS["broadcast-sender"].server["options"] | {
            "destination": f"127.255.255.255:{receiver.getsockname()[1]}",
            "interval": 0.1,
        }
        await serve("broadcast-sender", port=0, options=options)
        async with asyncio.timeout(5):
            assert [await loop.sock_recv(receiver, 100) for _ in range(3)] == [b"sockpanel"] * 3


async def test_remote_commands_run_for_whoever_holds_a_key(serve: Serve) -> None:
    served = await serve("command")
    async with connect(Target(*served.address, SERVER_KEY), LAB) as session:
        events = await all_of(session, "uname", "-s")
    assert (events[1], events[-1].code) == (Output(1, 1, b"Linux\n"), 0)
    await eventually_async(lambda: served.diary.ended)
    assert [(begun.key, begun.argv) for begun in served.diary.begun] == [("lab", ("uname", "-s"))]


async def test_the_dialect_ready_offers_its_output_and_then_sends_it(serve: Serve) -> None:
    served = await serve("command-ready")
    async with connected(served) as (reader, writer):
        writer.write(b"uname -s")
        assert await read(reader, rb"Ready\|6") == b"Ready|6"
        writer.write(b"Start")
        assert await read(reader, rb"Linux\n") == b"Linux\n"
