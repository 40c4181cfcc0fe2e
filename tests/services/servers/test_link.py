"""The worker's end of the link."""

import asyncio
import socket

import pytest

from services.servers import report
from services.servers.link import Link


class Ends:
    """A link and the supervisor's end of it."""

    def __init__(self) -> None:
        self.heard: list[report.ToWorker] = []
        self.moved = asyncio.Event()
        self.cut = asyncio.Event()
        self.link = Link(self._hear, self.cut.set)
        self.ours, self._theirs = socket.socketpair()

    def _hear(self, order: report.ToWorker) -> None:
        self.heard.append(order)
        self.moved.set()

    async def __aenter__(self) -> "Ends":
        await asyncio.get_running_loop().create_unix_connection(lambda: self.link, sock=self._theirs)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.link.close()
        async with asyncio.timeout(5):
            await self.cut.wait()
        self.ours.close()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.heard) < count:
                self.moved.clear()
                await self.moved.wait()


async def test_orders_are_heard_in_any_pieces():
    orders = [report.Stored(1), report.Send(2, b"x" * 1000), report.Close(3, 7)]
    stream = b"".join(report.encode(order) for order in orders)
    async with Ends() as ends:
        for i in range(0, len(stream), 97):
            ends.ours.sendall(stream[i : i + 97])
        await ends.until(3)
    assert ends.heard == orders


async def test_what_is_sent_arrives():
    async with Ends() as ends:
        ends.link.send(report.encode(report.Heartbeat(3)))
        ends.ours.settimeout(5)
        assert report.decode_from_worker(ends.ours.recv(100)[4:]) == report.Heartbeat(3)


async def test_the_end_of_the_supervisor_is_told_once():
    async with Ends() as ends:
        ends.ours.close()
        async with asyncio.timeout(5):
            await ends.cut.wait()
        ends.link.send(b"nobody hears this")


@pytest.mark.parametrize("bad", [b"\0\0\0\1\xff", b"\xff\xff\xff\xff"])
async def test_whoever_talks_nonsense_is_cut_off(bad, capsys):
    async with Ends() as ends:
        ends.ours.sendall(report.encode(report.Stored(1)) + bad)
        async with asyncio.timeout(5):
            await ends.cut.wait()
    assert ends.heard == [report.Stored(1)]
    assert capsys.readouterr().err
