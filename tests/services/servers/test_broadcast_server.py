"""Broadcast, on loopback: what is sent reaches everyone who listens, at its interval, and answers are recorded."""

import asyncio
import socket

import pytest

from services.servers.report import IN, OUT, Send
from tests.services.servers.clients import Datagrams

EVERYWHERE = {"host": "0.0.0.0"}


def sender(port: int, **options) -> dict:
    return {
        "kind": "broadcast-sender",
        "host": "127.0.0.1",
        "port": 0,
        "options": {"destination": f"127.255.255.255:{port}", "interval": 0.1, **options},
    }


@pytest.fixture
def listener():
    with Datagrams(bound=("0.0.0.0", 0)) as heard:
        yield heard


async def test_a_receiver_records_broadcasts_with_their_sender(serve):
    it = await serve(kind="broadcast-receiver", **EVERYWHERE)
    with Datagrams(bound=("127.0.0.1", 0)) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        client.sock.sendto(b"to all", ("127.255.255.255", it.address[1]))
        await it.until(lambda: it.received)
        assert [(row[2], row[3], row[4]) for row in it.messages] == [(client.name, IN, b"to all")]


async def test_a_receiver_answers_when_told_to(serve):
    it = await serve(kind="broadcast-receiver", reply={"type": "fixed", "text": "here"}, **EVERYWHERE)
    with Datagrams(bound=("127.0.0.1", 0)) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        assert await client.ask(b"who?", ("127.255.255.255", it.address[1])) == b"here"


async def test_a_sender_sends_so_often_records_each_and_ends_by_itself(serve, listener):
    it = await serve(**sender(listener.sock.getsockname()[1], message=r"hi\n", count=3))
    assert [(await listener.hear())[0] for _ in range(3)] == [b"hi\n"] * 3
    assert await it.ended() == 0
    assert [(row[2], row[3], row[4]) for row in it.messages] == [
        (f"127.255.255.255:{listener.sock.getsockname()[1]}", OUT, b"hi\n")
    ] * 3
    assert it.identity_holds()


async def test_a_sender_keeps_its_interval(serve, listener):
    await serve(**sender(listener.sock.getsockname()[1], interval=0.2))
    loop, times = asyncio.get_running_loop(), []
    for _ in range(6):
        await listener.hear()
        times.append(loop.time())
    assert 0.8 < times[-1] - times[0] < 2.5  # five intervals, on a machine that may be busy


async def test_a_sender_hears_who_answers(serve, listener):
    it = await serve(**sender(listener.sock.getsockname()[1]))
    _, address = await listener.hear()
    listener.sock.sendto(b"me", address)
    await it.until(lambda: it.received == [b"me"])


async def test_a_sender_makes_up_for_nothing_after_a_pause(serve, listener):
    it = await serve(**sender(listener.sock.getsockname()[1]))
    await listener.hear()
    it.process.send_signal(19)
    with pytest.raises(TimeoutError):
        while True:
            await asyncio.wait_for(asyncio.get_running_loop().sock_recv(listener.sock, 100), 0.5)
    it.process.send_signal(18)
    await listener.hear()
    count = 0
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.25):
            while True:
                await asyncio.get_running_loop().sock_recv(listener.sock, 100)
                count += 1
    assert count <= 4


async def test_a_broadcast_that_the_system_refuses_is_counted_and_said_once(serve):
    """From loopback no way leads to other networks."""
    it = await serve(**sender(9, destination="198.51.100.1:9"))
    await it.until(lambda: it.sent_dropped["refused"] >= 3)
    assert it.last_words().count("Nothing can be sent to 198.51.100.1:9") == 1
    assert it.identity_holds()


async def test_a_sender_goes_on_while_the_store_is_behind_and_keeps_nothing(serve, listener):
    it = await serve(
        start={"hurry": "from services.servers import reporter; reporter.Reporter.__init__.__defaults__ = (1,)"},
        **sender(listener.sock.getsockname()[1]),
    )
    it.acknowledges = False
    for _ in range(4):
        await listener.hear()
    it.acknowledges = True
    it.acknowledge()
    await it.until(lambda: it.sent_dropped["backlog"] >= 2)
    assert it.identity_holds()


async def test_a_sender_can_be_told_to_send_to_somebody(serve, listener):
    it = await serve(**sender(9, interval=60))
    with Datagrams(bound=("127.0.0.1", 0)) as client:
        assert (await it.ask(Send, data=b"you", peer=client.name)).count == 1
        assert (await client.hear())[0] == b"you"
