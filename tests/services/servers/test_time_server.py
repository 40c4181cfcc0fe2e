"""The time server: what it answers to whom, to the byte."""

import asyncio
from datetime import UTC, datetime

import pytest

from services.presets import PRESETS
from services.servers import report, sockets
from services.servers.networks import Access
from services.servers.report import IN, OUT
from services.servers.reporter import Reporter
from services.servers.server import Past
from services.servers.spec import TimeOptions
from services.servers.time_server import UdpTimeServer, replier
from tests.services.servers.clients import Datagrams
from tests.services.servers.supervising import spec_of

TCP = {"kind": "time", "transport": "tcp"}
FORMAT = "%Y-%m-%d %H:%M:%S"


def is_now(text: bytes) -> bool:
    said = datetime.strptime(text.decode(), FORMAT).astimezone()
    return abs((datetime.now(UTC) - said).total_seconds()) < 10


async def test_an_empty_datagram_gets_the_time_and_a_format_its_meaning(serve):
    it = await serve(**PRESETS["time"].server | {"port": 1})
    with Datagrams() as client:
        assert is_now(await client.ask(b"", it.address))
        assert await client.ask(b"%Y %m %d", it.address) == datetime.now().astimezone().strftime("%Y %m %d").encode()
    await it.until(lambda: len(it.messages) == 4)
    assert it.received == [b"", b"%Y %m %d"]


async def test_over_tcp_a_line_is_a_request_and_silence_is_an_empty_one(serve, connect):
    it = await serve(**TCP)
    client, silent = await connect(it.address), await connect(it.address)
    assert await client.ask(b"%%\n", 2) == b"%\n"
    assert is_now((await client.ask(b"\n", 20)).rstrip(b"\n"))
    silent.writer.write_eof()
    assert is_now(await silent.hear_all())
    client.leave()
    silent.leave()
    await it.until(lambda: len(it.closed) == 2)
    assert it.received.count(b"") == 1


async def test_whoever_has_said_something_gets_no_time_for_leaving(serve, connect):
    it = await serve(**TCP)
    client = await connect(it.address)
    await client.ask(b"%Y", 4)
    client.writer.write_eof()
    assert await client.hear_all() == b""


async def test_a_format_that_is_not_allowed_gets_one_line_that_says_so(serve):
    it = await serve(kind="time")
    with Datagrams() as client:
        answer = await client.ask(b"%9999999999d", it.address)
    assert answer.startswith(b"bad format: The time format has %9")
    assert b"\n" not in answer


@pytest.mark.parametrize("request_", [b"\xff", "é".encode(), b"%\n%", b"%\0", b"x" * 65, b"%c" * 12])
def test_any_request_gets_one_short_ascii_line(request_):
    answer = replier(TimeOptions())(request_)
    assert answer is not None
    assert answer.startswith(b"bad format: ")
    assert answer.decode("ascii").isprintable()
    assert len(answer) <= 256


def test_the_answer_is_in_the_servers_zone():
    answer = replier(TimeOptions(format="%Z %z", timezone="Asia/Shanghai"))(b"")
    assert answer == b"CST +0800"


def test_libcs_seconds_are_not_used():
    assert abs(int(replier(TimeOptions(timezone="Asia/Shanghai"))(b"%s") or 0) - datetime.now(UTC).timestamp()) < 10


# Nobody can be flooded through us by forging a sender


@pytest.mark.parametrize(
    ("near", "request_", "answered"), [(False, b"%Y", False), (False, b"%H", True), (True, b"%Y", True)]
)
async def test_a_far_peer_gets_no_answer_longer_than_its_request(monkeypatch, near, request_, answered):
    """Nothing far away can be written to in a test: here loopback counts as far."""
    monkeypatch.setattr(Access, "is_near", lambda access, host: near)
    spec, batches = spec_of(kind="time"), []
    sock = sockets.open_socket(spec)
    reporter = Reporter(batches.append, asyncio.get_running_loop())
    server = UdpTimeServer(spec, sock, reporter, Past())
    with Datagrams() as client:
        client.sock.sendto(request_, sock.getsockname())
        server._read()
    assert [row[3] for row in reporter.messages] == ([IN, OUT] if answered else [IN])
    reporter.flush()
    counted = report.decode_from_worker(batches[0][report.HEADER_BYTES :]).counted
    assert (counted.sent, counted.sent_dropped) == (1, {} if answered else {"withheld": 1})
    assert counted.sent_dropped_bytes == ({} if answered else {"withheld": 4})
    sockets.close_socket(sock, spec)
