"""A real server that takes so many messages a second of one source: the offender is read more slowly, and nobody else notices."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services.servers.namespaces import Network
from tests.services.servers.supervising import Supervised

HERE, LOUD, QUIET = "10.0.0.1", "10.1.2.3", "10.1.2.4"


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(HERE, LOUD, QUIET) as network:
        yield network


@pytest.fixture
def paced(serve, network):
    """`await paced(20)`: a server of lines that takes 20 messages a second of each source."""

    async def begin(rate: float, **words: Any) -> Supervised:
        words = {"framing": {"type": "line"}, "reply": {"type": "echo"}, "limits": {}} | words
        words["limits"] |= {"messages_per_second": rate}
        return await serve(start={"taken": network.listener(HERE)}, host=HERE, **words)

    return begin


async def connected(network: Network, source: str, it: Supervised) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    sock = await asyncio.to_thread(network.client, source, (HERE, it.socket.getsockname()[1]))
    sock.setblocking(False)
    return await asyncio.open_connection(sock=sock)


def incidents(it: Supervised) -> list[tuple[str, str]]:
    return [(each.rule, each.source) for batch in it.batches for each in batch.incidents]


async def test_a_flood_is_slowed_to_its_rate_and_every_message_of_it_is_answered(paced, network):
    it = await paced(50)
    reader, writer = await connected(network, LOUD, it)
    loop = asyncio.get_running_loop()
    began = loop.time()
    writer.write(b"".join(b"%03d\n" % number for number in range(150)))
    answers = await asyncio.wait_for(reader.readexactly(600), 10)
    assert answers.split() == [b"%03d" % number for number in range(150)]
    assert 1.8 <= loop.time() - began <= 4
    await it.until(lambda: incidents(it))
    assert set(incidents(it)) == {("messages", LOUD)}
    writer.close()
    await it.until(lambda: it.closed)
    assert (it.dropped, it.identity_holds()) == ({}, True)


async def test_others_are_served_at_once_while_one_is_slowed(paced, network):
    it = await paced(20)
    _, loud = await connected(network, LOUD, it)
    reader, quiet = await connected(network, QUIET, it)
    loud.write(b"x\n" * 100_000)
    loop = asyncio.get_running_loop()
    await it.until(lambda: incidents(it))
    for _ in range(15):
        began = loop.time()
        quiet.write(b"me\n")
        assert await asyncio.wait_for(reader.readexactly(3), 5) == b"me\n"
        assert loop.time() - began < 0.5
    loud.transport.abort()
    quiet.close()


async def test_connections_of_one_source_share_its_rate_and_none_of_them_starves(paced, network):
    it = await paced(100)
    pairs = [await connected(network, LOUD, it) for _ in range(5)]
    for _, writer in pairs:
        writer.write(b"x\n" * 1_000)
    await it.until(lambda: len(it.received) >= 300)
    counts = [sum(row[1] == number for row in it.messages) for number in range(1, 6)]
    assert min(counts[1:]) > 0
    assert len(it.received) < 500
    for _, writer in pairs:
        writer.transport.abort()


async def test_the_kernel_holds_what_is_not_read(paced, network):
    it = await paced(1, framing={"type": "none"})
    _, writer = await connected(network, LOUD, it)
    writer.transport.set_write_buffer_limits(0)
    writer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    writer.write(b"x" * 20_000_000)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(writer.drain(), 1)
    assert len(it.received) <= 4
    writer.transport.abort()


async def test_whoever_leaves_while_it_is_slowed_has_all_it_sent_recorded_once_it_was_read(paced, network):
    it = await paced(1, limits={"keep_bytes": 8})
    _, writer = await connected(network, LOUD, it)
    writer.write(b"x\n" * 1_000)
    await it.until(lambda: incidents(it))
    writer.transport.abort()
    assert await it.stop() == 0
    assert it.closed
    assert (it.dropped, it.identity_holds()) == ({}, True)


async def test_on_loopback_nobody_is_slowed(serve, connect):
    it = await serve(framing={"type": "line"}, reply={"type": "echo"}, limits={"messages_per_second": 1})
    client = await connect(it.address)
    assert await client.ask(b"x\n" * 5_000, 10_000) == b"x\n" * 5_000
    assert incidents(it) == []


@pytest.mark.parametrize(
    "words", [{"limits": {"reply_after_commit": True}}, {"framing": {"type": "length", "size": 1}}]
)
async def test_answers_are_complete_and_in_order_whatever_else_they_wait_for(paced, network, words):
    it = await paced(40, **words)
    is_line = "framing" not in words
    reader, writer = await connected(network, LOUD, it)
    said = b"".join(b"%02d\n" % n if is_line else b"\2%02d" % n for n in range(70))
    writer.write(said)
    assert await asyncio.wait_for(reader.readexactly(len(said)), 10) == said
    writer.close()
    await it.until(lambda: it.closed)
    assert len(it.received) == len(it.sent) == 70


async def test_a_stop_does_not_wait_for_whoever_is_slowed(paced, network):
    it = await paced(1)
    _, writer = await connected(network, LOUD, it)
    writer.write(b"x\n" * 1_000)
    await it.until(lambda: incidents(it))
    began = asyncio.get_running_loop().time()
    assert await it.stop() == 0
    assert asyncio.get_running_loop().time() - began < 3
    assert it.identity_holds()
    writer.transport.abort()
