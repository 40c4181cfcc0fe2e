"""The proxy is as bad as it says, and no worse."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable

import pytest

from tests.chaos import toxic
from tests.chaos.toxic import DELAY, HALF_OPEN, RESET, SLICE, ToxicProxy

DATA = bytes(range(256)) * 400  # longer than any connection's life


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass  # what the proxy is for
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


Proxy = Callable[..., ToxicProxy]


@pytest.fixture
def proxy(echo: int) -> Proxy:
    return lambda *toxics: ToxicProxy(("127.0.0.1", echo), random.Random(1), toxics)


async def exchange(port: int, data: bytes) -> bytes:
    """What comes back until it ends, or breaks with an error."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        sending = asyncio.create_task(send(writer, data), name="sending")
        got = b""
        while len(got) < len(data) and (piece := await reader.read(65_536)):
            got += piece
        await sending
        return got
    finally:
        writer.transport.abort()


async def send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


@pytest.mark.parametrize("toxics", [(), (DELAY,), (SLICE,)])
async def test_what_is_only_delayed_or_sliced_arrives_whole(proxy: Proxy, toxics: tuple[str, ...]):
    async with proxy(*toxics) as bad:
        assert await asyncio.wait_for(exchange(bad.port, DATA[:20_000]), 20) == DATA[:20_000]


async def test_a_reset_is_a_reset(proxy: Proxy):
    async with proxy(RESET) as bad:
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(exchange(bad.port, DATA), 20)
        assert bad.ends == {RESET: 1, HALF_OPEN: 0}


async def test_a_half_open_connection_says_nothing_more_and_does_not_end(proxy: Proxy):
    async with proxy(HALF_OPEN) as bad:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(exchange(bad.port, DATA), 0.5)
        assert bad.ends == {RESET: 0, HALF_OPEN: 1}


def test_the_same_seed_draws_the_same_fates():
    one, two = (ToxicProxy(("127.0.0.1", 1), random.Random(7), toxic.EVERY) for _ in range(2))
    assert [one._drawn() for _ in range(20)] == [two._drawn() for _ in range(20)]


async def test_what_is_refused_there_ends_here():
    async with ToxicProxy(("127.0.0.1", 1), random.Random(1)) as bad:
        reader, writer = await asyncio.open_connection("127.0.0.1", bad.port)
        assert await asyncio.wait_for(reader.read(1), 5) == b""
        writer.close()
