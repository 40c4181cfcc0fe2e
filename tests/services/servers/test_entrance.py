"""Who is let in to a real stream server, over a network of the test's own: loopback, from which nobody is refused, is left out."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.services.servers.namespaces import Network
from tests.services.servers.supervising import Supervised

HERE, MAPPED = "10.0.0.1", "::ffff:10.0.0.1"
ONE, OTHER = "10.1.2.3", "10.1.2.4"
SIX, SAME_SITE, OTHER_SITE = "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"
ECHO = {"type": "echo"}


@pytest.fixture
def network() -> Iterator[Network]:
    with Network(HERE, ONE, OTHER, SIX, SAME_SITE, OTHER_SITE) as network:
        yield network


@pytest.fixture
def far(serve, network):
    """`await far(limits={...})`: an echo server that listens on all addresses of the network, and connects of clients to it."""

    async def begin(**limits: Any) -> Far:
        it = await serve(start={"taken": network.listener("::")}, host="::", reply=ECHO, limits=limits)
        return Far(network, it)

    return begin


class Far:
    """A server and its clients."""

    def __init__(self, network: Network, it: Supervised) -> None:
        self.it = it
        self._network = network
        self._clients: list[socket.socket] = []

    async def connects(self, source: str) -> bool:
        """Whether a client from `source` is let in, and stays."""
        return await asyncio.to_thread(self._connects, source)

    def _connects(self, source: str) -> bool:
        port = self.it.socket.getsockname()[1]
        try:
            client = self._network.client(source, (source if ":" in source else HERE, port))
            self._clients.append(client)
            client.sendall(b"in")
            return client.recv(2) == b"in"
        except (ConnectionResetError, BrokenPipeError):
            return False

    def leave(self, count: int = 1) -> None:
        for _ in range(count):
            self._clients.pop(0).close()

    def __enter__(self) -> "Far":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(IndexError):
            self.leave(len(self._clients) + 1)


def told(it: Supervised) -> list[tuple[str, str, str]]:
    return [(each.rule, each.source, each.what) for batch in it.batches for each in batch.incidents]


async def test_a_source_has_so_many_connections_and_the_next_is_reset_and_told(far):
    with await far(connections_per_source=5) as server:
        assert [await server.connects(ONE) for _ in range(6)] == [True] * 5 + [False]
        assert await server.connects(OTHER)
        await server.it.until(lambda: told(server.it))
        assert told(server.it) == [("source", ONE, f"refused {ONE}: 5 connections per source")]
        await server.it.until(lambda: sum(b.counted.refused.get("source", 0) for b in server.it.batches) == 1)
        server.leave()
        await server.it.until(lambda: server.it.closed)
        assert await server.connects(ONE)
        assert server.it.last_words() == ""


async def test_ipv6_sources_are_networks_of_64_bits(far):
    with await far(connections_per_source=1) as server:
        assert [await server.connects(source) for source in (SIX, SAME_SITE, OTHER_SITE)] == [True, False, True]
        await server.it.until(lambda: told(server.it))
        assert told(server.it) == [
            ("source", "2001:db8::/64", "refused 2001:db8::2: 1 connection per source"),
        ]


async def test_a_source_connects_so_often_and_no_oftener(far):
    with await far(accepts_per_second=2) as server:
        assert [await server.connects(ONE) for _ in range(3)] == [True, True, False]
        assert await server.connects(OTHER)
        await server.it.until(lambda: told(server.it))
        assert told(server.it) == [("accepts", ONE, f"refused {ONE}: 2 new connections per second and source")]
        async with asyncio.timeout(5):
            while not await server.connects(ONE):
                pass


@pytest.mark.parametrize("free", [{"trusted": ["10.1.2.0/24"]}, {"connections_per_source": 0, "accepts_per_second": 0}])
async def test_whoever_is_trusted_or_not_limited_may_have_as_many_as_he_likes(far, free):
    with await far(**({"connections_per_source": 1, "accepts_per_second": 1} | free)) as server:
        assert all([await server.connects(ONE) for _ in range(20)])
        assert told(server.it) == []


@pytest.mark.parametrize(
    ("limits", "lets_in"),
    [
        ({"allow": ["10.1.2.3"]}, [ONE]),
        ({"allow": ["10.0.0.0/8"], "deny": [ONE]}, [OTHER]),
        ({"deny": ["10.0.0.0/8"]}, [SIX, OTHER_SITE]),
        ({"allow": ["2001:db8::/64"]}, [SIX]),
        ({"deny": ["0.0.0.0/0", "::/0"], "trusted": [ONE]}, []),
    ],
)
async def test_networks_are_allowed_or_denied_and_denied_ones_stay_so(far, limits, lets_in):
    with await far(**limits) as server:
        assert [source for source in (ONE, OTHER, SIX, OTHER_SITE) if await server.connects(source)] == lets_in
        await server.it.until(lambda: len(told(server.it)) == 4 - len(lets_in))
        assert {rule for rule, _, _ in told(server.it)} == {"denied"}
        await server.it.until(lambda: len(server.it.opened) == len(lets_in))


async def test_loopback_has_no_limits_of_sources(serve, connect):
    it = await serve(reply=ECHO, limits={"connections_per_source": 1, "accepts_per_second": 1})
    clients = [await connect(it.address) for _ in range(20)]
    assert [await client.ask(b"in", 2) for client in clients] == [b"in"] * 20


async def test_a_unix_socket_has_no_networks(serve, connect, tmp_path):
    limits = {
        "connections_per_source": 1,
        "accepts_per_second": 1,
        "deny": ["0.0.0.0/0", "::/0"],
        "allow": ["10.0.0.1"],
    }
    it = await serve(transport="unix", host=str(tmp_path / "a.sock"), port=None, reply=ECHO, limits=limits)
    clients = [await connect(it.address) for _ in range(5)]
    assert [await client.ask(b"in", 2) for client in clients] == [b"in"] * 5


async def test_a_flood_of_refused_ones_is_two_incidents_not_thousands(far):
    with await far(connections_per_source=1, accepts_per_second=0) as server:
        assert await server.connects(ONE)
        assert not any([await server.connects(ONE) for _ in range(300)])
        await server.it.until(lambda: sum(b.counted.refused.get("source", 0) for b in server.it.batches) == 300)
        assert await server.it.stop() == 0
        assert [each.count for batch in server.it.batches for each in batch.incidents] == [1, 299]
        assert server.it.last_words() == ""
