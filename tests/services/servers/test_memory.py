"""What peers without manners cost a real worker: memory has a ceiling, whatever they send or leave unread."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.servers.supervising import Supervised
from tests.waiting import eventually_async

MIB = 1024 * 1024
CEILING = 256 * MIB
ECHO = {"type": "echo"}
LENGTH = {"type": "length", "size": 4}
PEERS = 1_000


def memory(it: Supervised, field: str = "VmHWM") -> int:
    """Bytes of the worker: the most it ever had, or what it has (`VmRSS`)."""
    for line in Path(f"/proc/{it.process.pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"no {field}: the worker is gone")


def forget_peak(it: Supervised) -> int:
    """The peak counts from now on; what it has now."""
    Path(f"/proc/{it.process.pid}/clear_refs").write_text("5")
    return memory(it, "VmRSS")


@pytest.fixture
async def crowd() -> AsyncIterator[Any]:
    """`await crowd(it, 1000, b"...")`: so many plain sockets, each with what it has to say on its way; they read nothing."""
    socks: list[socket.socket] = []

    async def begin(it: Supervised, count: int, says: bytes) -> list[socket.socket]:
        loop = asyncio.get_running_loop()
        sendings = []
        for _ in range(count):
            sock = socket.socket()
            sock.setblocking(False)
            # So that the server's side fills, not the kernel
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            socks.append(sock)
            await asyncio.wait_for(loop.sock_connect(sock, it.address), 10)
            sendings.append(asyncio.create_task(send(sock, says), name="send"))
        return sendings

    async def send(sock: socket.socket, says: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            await asyncio.get_running_loop().sock_sendall(sock, says)

    yield begin
    for task in asyncio.all_tasks():
        if task.get_name() == "send":
            task.cancel()
    for sock in socks:
        sock.close()


async def settled(it: Supervised) -> None:
    """Wait until the worker takes nothing more in: its processor time stands still."""

    async def stands_still() -> bool:
        before = ticks(it)
        await asyncio.sleep(0.2)  # what is looked at is a rate
        return ticks(it) - before <= 1

    await eventually_async(stands_still, within=20)


def ticks(it: Supervised) -> int:
    fields = Path(f"/proc/{it.process.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


async def test_a_length_of_four_gigabytes_costs_nothing(serve, connect):
    it = await serve(reply=ECHO, framing=LENGTH)
    client = await connect(it.address)
    assert await client.ask(b"\0\0\0\1x", 5) == b"\0\0\0\1x"
    before = forget_peak(it)
    bad = await connect(it.address)
    bad.writer.write(b"\xff\xff\xff\xff" + b"x" * MIB)
    with contextlib.suppress(ConnectionError):
        assert await bad.hear_all() == b""
    await it.until(lambda: it.closed)
    assert memory(it) - before < 2 * MIB


@pytest.mark.parametrize("said", [b"\0\x10\0\0" + b"x" * (MIB - 1), b"\0\x10\0\0" + b"x" * MIB])
async def test_one_peer_with_the_longest_frame_costs_little_whole_or_not(serve, connect, crowd, said):
    it = await serve(reply=ECHO, framing=LENGTH)
    client = await connect(it.address)
    assert await client.ask(b"\0\0\0\1x", 5) == b"\0\0\0\1x"
    before = forget_peak(it)
    await crowd(it, 1, said)
    await settled(it)
    assert memory(it, "VmRSS") - before < 2 * MIB
    assert memory(it) - before < 4 * MIB  # for the moment in which it is answered, and one is at a time


async def test_a_peer_that_reads_nothing_costs_little(serve, connect, crowd):
    """Ten of them are measured, and what is kept for the store is not: that is as much for one."""
    it = await serve(reply=ECHO, limits={"keep_bytes": 0})
    client = await connect(it.address)
    assert await client.ask(b"x" * 300_000, 300_000)
    before = forget_peak(it)
    await crowd(it, 10, b"x" * 5 * MIB)
    await settled(it)
    assert memory(it) - before < 10 * 2 * MIB


@pytest.mark.parametrize("framing", [LENGTH, {"type": "line"}])
async def test_a_thousand_half_frames_stay_below_the_ceiling_and_others_are_served(serve, connect, crowd, framing):
    it = await serve(reply=ECHO, framing=framing, limits={"connections": PEERS + 10})
    client = await connect(it.address)
    await crowd(it, PEERS, b"\0\x0f\xff\xff" + b"x" * 1_000_000)
    await it.until(lambda: len(it.opened) == PEERS + 1, within=20)
    await settled(it)
    assert memory(it) < CEILING
    said = b"\0\0\0\1x" if framing is LENGTH else b"xxxx\n"
    assert await client.ask(said, 5) == said


async def test_a_thousand_peers_that_read_nothing_stay_below_the_ceiling(serve, connect, crowd):
    it = await serve(reply=ECHO, limits={"connections": PEERS + 10})
    client = await connect(it.address)
    await crowd(it, PEERS, b"x" * (MIB // 2))
    await it.until(lambda: len(it.opened) == PEERS + 1, within=20)
    await settled(it)
    assert memory(it) < CEILING
    assert await client.ask(b"x", 1) == b"x"


@pytest.mark.parametrize("says", [b"\n" * 10_000, b"x" * 1_000_000 + b"\n"])
async def test_a_flood_of_frames_stays_below_the_ceiling(serve, connect, says):
    """A hundred clients for three seconds, as fast as the machine allows, reading what comes."""
    it = await serve(reply=ECHO, framing={"type": "line"}, limits={"keep_bytes": 16})
    clients = [await connect(it.address) for _ in range(100)]
    floods = [asyncio.create_task(flood(client, says), name="send") for client in clients]
    drains = [asyncio.create_task(drain(client), name="send") for client in clients]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*floods, *drains), 3)
    assert len(it.received) > 100
    assert memory(it) < CEILING
    for client in clients:
        client.reset()


async def flood(client, says):
    while True:
        client.writer.write(says)
        await client.writer.drain()


async def drain(client):
    while await client.reader.read(MIB):
        pass


async def test_large_frames_of_many_at_once_wait_for_each_other_and_are_all_answered(serve, connect):
    """More of them than are read at a time, and each half sent before any is whole."""
    it = await serve(reply=ECHO, framing=LENGTH, limits={"keep_bytes": 0})
    clients = [await connect(it.address) for _ in range(80)]
    frame = b"\0\x0f\xff\xfc" + b"x" * (MIB - 4)
    for client in clients:
        client.writer.write(frame[: MIB // 2])
    await it.until(lambda: len(it.opened) == 80)
    await settled(it)
    for client in clients:
        client.writer.write(frame[MIB // 2 :])
    assert await asyncio.gather(*(client.hear(MIB) for client in clients)) == [frame] * 80
    assert it.closed == []


async def test_whoever_sends_more_of_a_half_frame_than_there_is_room_for_is_cut_and_told_of(serve, connect):
    it = await serve(start={"hurry": "connection.room.MOST = 1_000_000"}, framing=LENGTH, reply=ECHO)
    good, *bad = [await connect(it.address) for _ in range(4)]
    for client in bad:
        client.writer.write(b"\0\x0f\xff\xff" + b"x" * 400_000)
    await it.until(lambda: it.closed and any(batch.incidents for batch in it.batches))
    incident = next(each for batch in it.batches for each in batch.incidents)
    assert (incident.rule, incident.source) == ("memory", "127.0.0.1")
    assert it.closed[0].why == "half frames fill the memory of the server"
    assert await good.ask(b"\0\0\0\1x", 5) == b"\0\0\0\1x"
    assert (await it.stop(), len(it.closed), it.identity_holds()) == (0, 4, True)
