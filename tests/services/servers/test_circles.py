"""Servers that were set on each other fall silent, and whoever is a client is answered all the same. Each in its own network."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from services.servers.report import IN, Close, Incident, Neighbours
from tests.namespaces import add_address, in_own_network
from tests.services.servers.clients import Datagrams
from tests.services.servers.supervising import Supervised, spec_of

ECHO = {"type": "echo"}
FAR, FARTHER = "203.0.113.5", "198.51.100.7"  # TEST-NET-3 and -2 (RFC 5737): neither loopback nor private


@asynccontextmanager
async def serving(**words: Any) -> AsyncIterator[Supervised]:
    it = Supervised(spec_of(**{"kind": "udp", "reply": ECHO, **words}))
    try:
        await it.begin()
        yield it
    finally:
        await it.release()


def incidents(*servers: Supervised) -> list[Incident]:
    return [incident for it in servers for batch in it.batches for incident in batch.incidents]


def forge(sender: Supervised, receiver: Supervised, data: bytes = b"round") -> None:
    """A datagram to `receiver` that comes from the very socket of `sender`."""
    sender.socket.sendto(data, receiver.address)


async def silence(*servers: Supervised, lasts: float = 1.0) -> None:
    """Wait until nothing has come in for a while."""
    while True:
        before = [it.counted["received"] for it in servers]
        try:
            await servers[0].until(
                lambda before=before: [it.counted["received"] for it in servers] != before, within=lasts
            )
        except AssertionError:
            return


async def answered(it: Supervised, data: bytes = b"a client") -> None:
    with Datagrams() as client:
        assert await client.ask(data, it.address) == data


async def meet(it: Supervised, *ports: int) -> None:
    """Returns when it has heard of its neighbours: orders are heeded one after the other."""
    it.order(Neighbours(ports))
    await it.ask(Close, connection=0)


@in_own_network
async def test_two_servers_that_know_each_other_exchange_no_answer():
    async with serving() as one, serving() as two:
        for it in (one, two):
            await meet(it, one.address[1], two.address[1])
        await answered(one)
        await answered(two)
        forge(one, two)
        await two.until(lambda: two.sent_dropped)
        await silence(two, one, lasts=0.5)
        assert (two.sent_dropped, one.counted["received"], two.counted["received"]) == ({"loop": 1}, 1, 2)
        assert [(incident.rule, incident.source) for incident in incidents(two)] == [("loop", "127.0.0.1")]
        await answered(two)
        assert one.identity_holds()
        assert two.identity_holds()


@in_own_network
async def test_two_echo_servers_that_do_not_know_each_other_stop_after_twenty_odd_datagrams():
    async with (
        serving(port=9301) as one,
        serving(port=9302) as two,
    ):  # servers' ports, not what a system gives to a client
        forge(one, two)
        await two.until(lambda: incidents(one, two))
        await silence(one, two)
        assert 20 <= max(it.counted["received"] for it in (one, two)) <= 25
        assert any("loop suspected with 127.0.0.1:" in incident.what for incident in incidents(one, two))
        forge(one, two)
        forge(two, one)
        await silence(one, two)
        assert one.counted["received"] + two.counted["received"] <= 50
        await answered(one)
        await answered(two)


@in_own_network
async def test_an_echo_and_a_time_server_that_do_not_know_each_other_stop_too():
    async with serving(port=9301) as echo, serving(port=9302, kind="time", reply={"type": "none"}) as clock:
        forge(echo, clock, b"%Y")
        await clock.until(lambda: incidents(echo, clock))
        await silence(echo, clock)
        assert max(it.counted["received"] for it in (echo, clock)) <= 25
        with Datagrams() as client:
            assert await client.ask(b"%%", clock.address) == b"%"


@in_own_network
async def test_two_servers_with_fixed_answers_that_do_not_know_each_other_stop_within_two_thousand():
    ports = [9301, 9302]  # a server's, not what a system gives to a client
    async with (
        serving(port=ports[0], reply={"type": "fixed", "text": "one"}) as one,
        serving(port=ports[1], reply={"type": "fixed", "text": "two"}) as two,
    ):
        forge(one, two)
        await two.until(lambda: incidents(one, two))
        await silence(one, two)
        assert one.counted["received"] + two.counted["received"] <= 2010
        with Datagrams() as client:
            assert await client.ask(b"?", one.address) == b"one"


@in_own_network
async def test_two_time_servers_do_not_complain_of_each_others_complaints():
    async with serving(kind="time", reply={"type": "none"}) as one, serving(kind="time", reply={"type": "none"}) as two:
        forge(one, two, b"%9")
        await one.until(lambda: one.received)
        await silence(one, two, lasts=0.5)
        assert (one.counted["received"], two.counted["received"]) == (1, 1)


@in_own_network
async def test_a_server_that_hears_its_own_address_does_not_answer():
    async with serving(host="0.0.0.0") as it:
        await meet(it, it.address[1])
        await answered(it)
        it.socket.sendto(b"myself", it.address)
        await it.until(lambda: it.sent_dropped)
        assert (it.sent_dropped, it.counted["received"]) == ({"loop": 1}, 2)


@in_own_network
async def test_an_own_endpoint_is_known_in_every_form_of_its_address():
    add_address(FAR)
    async with serving(host="::") as it:
        with Datagrams(bound=(FAR, 0)) as local, Datagrams(socket.AF_INET6, ("::1", 0)) as six:
            await meet(it, local.sock.getsockname()[1], six.sock.getsockname()[1])
            local.sock.sendto(b"x", (FAR, it.address[1]))
            six.sock.sendto(b"x", ("::1", it.address[1]))
            await it.until(lambda: it.sent_dropped["loop"] == 2)
        assert it.sent == []


@in_own_network
async def test_a_peer_that_becomes_a_neighbour_is_answered_no_more_and_again_when_it_is_gone():
    async with serving() as it:
        with Datagrams(bound=("127.0.0.1", 0)) as other:
            assert await other.ask(b"1", it.address) == b"1"
            await meet(it, other.sock.getsockname()[1])
            other.sock.sendto(b"2", it.address)
            await it.until(lambda: it.sent_dropped == {"loop": 1})
            await meet(it)
            assert await other.ask(b"3", it.address) == b"3"


@in_own_network
async def test_a_port_whose_service_answers_whatever_comes_is_not_answered():
    async with serving() as it:
        for port in (7, 19, 53):
            with Datagrams(bound=("127.0.0.1", port)) as service:
                service.sock.sendto(b"x", it.address)
        await it.until(lambda: it.sent_dropped == {"loop": 3})
        assert it.sent == []


# Far away


async def flood(it: Supervised, count: int, data: Callable[[int], bytes], sender: str = FAR) -> int:
    """How many bytes of answers came back."""
    loop, back = asyncio.get_running_loop(), 0
    with Datagrams(bound=(sender, 0)) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)

        def hear() -> None:
            nonlocal back
            back += len(client.sock.recv(65_536))

        loop.add_reader(client.sock, hear)
        for number in range(count):
            client.sock.sendto(data(number), (FARTHER, it.address[1]))
            if number % 100 == 99:
                await it.until(lambda number=number: it.counted["received"] > number)
        await it.until(lambda: it.counted["received"] == count)
        await it.until(it.identity_holds)
        loop.remove_reader(client.sock)
    return back


@in_own_network
async def test_a_far_source_gets_so_many_answers_a_second_and_its_questions_are_recorded():
    for address, alias in ((FAR, "lo:1"), (FARTHER, "lo:2")):
        add_address(address, alias)
    async with serving(host="0.0.0.0") as it:
        await flood(it, 500, lambda number: b"%d" % number)
        assert 20 <= len(it.sent) <= 40  # the burst, and ten for each second that it took
        assert it.sent_dropped == {"rate": 500 - len(it.sent)}
        assert len(it.received) == 500
        assert [(one.rule, one.source) for one in incidents(it)] == [("replies", FAR)]
        await answered(it)


@in_own_network
async def test_a_far_source_sends_so_many_messages_a_second_and_the_rest_is_counted_to_the_byte():
    add_address(FAR)
    async with serving(host="0.0.0.0", reply={"type": "none"}, limits={"messages_per_second": 50}) as it:
        with Datagrams(bound=(FAR, 0)) as client:
            for number in range(300):
                client.sock.sendto(b"%03d" % number, (FAR, it.address[1]))
            await it.until(lambda: it.counted["received"] == 300)
        assert 50 <= len(it.received) <= 100
        assert it.dropped == {"rate": 300 - len(it.received)}
        assert it.counted["bytes_in"] == 900
        assert [(one.rule, one.source) for one in incidents(it)] == [("messages", FAR)]
        await flood_from_here(it, 500)
        assert it.dropped["rate"] <= 250  # loopback is not limited


async def flood_from_here(it: Supervised, count: int) -> None:
    before = len(it.received)
    with Datagrams() as client:
        for _ in range(count):
            client.sock.sendto(b"x", it.address)
        await it.until(lambda: len(it.received) == before + count)


@in_own_network
async def test_a_trusted_network_is_answered_at_length_and_as_often_as_it_asks():
    for address, alias in ((FAR, "lo:1"), (FARTHER, "lo:2")):
        add_address(address, alias)
    reply = {"type": "suffix", "text": "!"}
    async with serving(host="0.0.0.0", reply=reply, limits={"trusted": ["203.0.113.0/24"]}) as it:
        assert await flood(it, 200, lambda number: b"x") == 400
        assert (it.sent_dropped, incidents(it)) == ({}, [])


@in_own_network
async def test_whose_network_is_denied_is_counted_and_neither_recorded_nor_answered():
    add_address(FAR)
    async with serving(host="0.0.0.0", limits={"deny": ["203.0.113.0/24"]}) as it:
        with Datagrams(bound=(FAR, 0)) as client:
            client.sock.sendto(b"abc", (FAR, it.address[1]))
            await it.until(lambda: it.dropped)
        assert (it.dropped, it.messages, it.opened, it.counted["bytes_in"]) == ({"denied": 1}, [], [], 3)
        assert [(one.rule, one.source) for one in incidents(it)] == [("denied", FAR)]
        await answered(it)


AMPLIFIERS: list[dict[str, Any]] = [
    {"reply": {"type": "echo"}},
    {"reply": {"type": "upper"}},
    {"reply": {"type": "timestamp"}},
    {"reply": {"type": "fixed", "text": "a fixed answer"}},
    {"reply": {"type": "suffix", "text": "!"}},
    {"reply": {"type": "none"}},
    {"kind": "time", "reply": {"type": "none"}},
    {"kind": "broadcast-receiver", "reply": {"type": "fixed", "text": "here"}},
]


@in_own_network
async def test_no_kind_of_server_sends_a_far_source_more_than_it_was_sent():
    for address, alias in ((FAR, "lo:1"), (FARTHER, "lo:2")):
        add_address(address, alias)
    chance = random.Random(4)
    datagrams = [chance.randbytes(chance.randrange(0, 64)) for _ in range(10_000)]
    without_rates = {"replies_per_source": 0, "replies_per_second": 0}
    for words in AMPLIFIERS:
        async with serving(host="0.0.0.0", limits=without_rates, **words) as it:
            back = await flood(it, len(datagrams), datagrams.__getitem__)
            sent = sum(row[5] for row in it.messages if row[3] != IN)
            assert sent <= sum(map(len, datagrams)), words
            assert back <= sum(map(len, datagrams)), words
            assert set(it.sent_dropped) <= {"withheld"}, words
