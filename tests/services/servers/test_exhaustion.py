"""A real worker with 256 file descriptors and 400 clients: nobody inside notices, nothing is logged, and it ends with the crowd."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services.servers.test_memory import ticks

LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))"
ECHO = {"type": "echo"}
HZ = 100  # clock ticks a second (proc(5))


@pytest.fixture
def crowd_of() -> Iterator[Any]:
    """`crowd_of(390, address)`: so many connected sockets, closed with the test."""
    crowd: list[socket.socket] = []

    def begin(count: int, address: Any) -> list[socket.socket]:
        crowd.extend(socket.create_connection(address, 5) for _ in range(count))
        return crowd

    yield begin
    for sock in crowd:
        sock.close()


async def test_with_256_descriptors_and_400_clients_those_inside_are_served_and_the_log_stays_empty(
    serve, connect, crowd_of
):
    it = await serve(start={"hurry": LIMIT}, reply=ECHO)
    inside = [await connect(it.address) for _ in range(10)]
    for client in inside:
        assert await client.ask(b"in", 2) == b"in"
    crowd = crowd_of(390, it.address)
    await it.until(lambda: any(batch.open_connections >= 192 for batch in it.batches))
    took, before = await waits(inside), ticks(it)
    assert took[int(len(took) * 0.99)] < 0.1
    await asyncio.sleep(1)  # what is looked at is a rate: the crowd waits, and the worker does nothing
    assert ticks(it) - before < 0.2 * HZ
    assert max(batch.open_connections for batch in it.batches) == 256 - 64
    assert len(it.last_words().splitlines()) <= 20
    assert {each.rule for batch in it.batches for each in batch.incidents} == {"full"}
    for sock in crowd:
        sock.close()
    loop = asyncio.get_running_loop()
    released = loop.time()
    newcomer = await connect(it.address)
    assert await newcomer.ask(b"again", 5) == b"again"
    assert loop.time() - released < 2
    await it.until(lambda: it.batches[-1].open_connections == 11, within=2)


async def waits(clients) -> list[float]:
    """How long each of many echoes took, in order of length."""
    loop, took = asyncio.get_running_loop(), []
    for _ in range(30):
        for client in clients:
            began = loop.time()
            assert await client.ask(b"x" * 64, 64) == b"x" * 64
            took.append(loop.time() - began)
    return sorted(took)


async def test_when_the_system_has_none_left_it_is_told_once_and_the_worker_does_not_spin(serve, connect, crowd_of):
    """Less than the worker reserved is left: accept itself fails."""
    short = "connection.descriptors = None; from services.servers import descriptors; descriptors.RESERVED = -100; "
    limit = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))"
    it = await serve(start={"hurry": short + limit}, reply=ECHO)
    first = await connect(it.address)
    assert await first.ask(b"in", 2) == b"in"
    crowd = crowd_of(60, it.address)
    await it.until(lambda: [each for batch in it.batches for each in batch.incidents])
    before = ticks(it)
    await asyncio.sleep(1.5)  # what is looked at is a rate
    assert ticks(it) - before < 0.3 * HZ
    incidents = [each for batch in it.batches for each in batch.incidents]
    assert [(each.rule, each.what) for each in incidents] == [("full", "new connections wait: Too many open files")]
    assert await first.ask(b"on", 2) == b"on"
    for sock in crowd:
        sock.close()
    newcomer = await connect(it.address)
    assert await newcomer.ask(b"again", 5) == b"again"
    assert it.last_words() == ""
