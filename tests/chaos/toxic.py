"""A TCP proxy that does to a connection what bad networks do: delay, cut into slices, reset, or go silent with both ends left open.

Each connection's fate is drawn from a seeded chance when it comes. It knows nothing of what passes through.

async with ToxicProxy(("127.0.0.1", 9000), random.Random(seed), (RESET, HALF_OPEN)) as proxy:
    ... connect to ("127.0.0.1", proxy.port) ...
"""

import asyncio
import random
import socket
import struct
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

RESET, HALF_OPEN, DELAY, SLICE = "reset", "half-open", "delay", "slice"
EVERY = (RESET, HALF_OPEN, DELAY, SLICE)
CHUNK = 64 * 1024
AT_ONCE = 1_000  # connections

Address = tuple[str, int]


@dataclass(frozen=True)
class Measure:
    """How bad it is."""

    lives: tuple[int, int] = (
        2_000,
        40_000,
    )  # bytes, both ways, until a connection that is to break breaks: between the two
    slices: tuple[int, int] = (1, 100)  # bytes of a slice
    delay: float = 0.05  # seconds at the most, for what was read at once


@dataclass
class Fate:
    """What will happen to one connection."""

    end: str  # reset, half-open, or nothing
    life: int  # bytes until then
    delay: float  # seconds that all pieces of what was read at once wait together
    slice: int  # bytes in a piece
    met: bool = False


PLAIN = Measure()


class ToxicProxy(AbstractAsyncContextManager["ToxicProxy"]):
    """Listens on a free port of 127.0.0.1 while the block lasts."""

    def __init__(
        self, target: Address, chance: random.Random, toxics: tuple[str, ...] = EVERY, measure: Measure = PLAIN
    ) -> None:
        self.port = 0
        self.ends = dict.fromkeys((RESET, HALF_OPEN), 0)  # how many connections ended in which way
        self._target, self._chance, self._toxics, self._measure = target, chance, toxics, measure
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._bag: list[str] = []  # ends that are still to come, so that each comes soon

    async def __aenter__(self) -> "ToxicProxy":
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _drawn(self) -> Fate:
        if not self._bag:
            self._bag = [toxic for toxic in (RESET, HALF_OPEN) if toxic in self._toxics] or [""]
            self._chance.shuffle(self._bag)
        return Fate(
            end=self._bag.pop(),
            life=self._chance.randint(*self._measure.lives),
            delay=self._chance.uniform(0, self._measure.delay) if DELAY in self._toxics else 0.0,
            slice=self._chance.randint(*self._measure.slices) if SLICE in self._toxics else CHUNK,
        )

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._served(reader, writer), name="proxied")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with self._places:
                await self._joined(reader, writer, self._drawn())
        finally:
            writer.transport.abort()

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fate: Fate) -> None:
        try:
            their_reader, their_writer = await asyncio.open_connection(*self._target)
        except OSError:
            return  # refused there, ended here
        ways = [
            asyncio.create_task(self._pass_on(*way, fate), name="way")
            for way in ((reader, their_writer), (their_reader, writer))
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            await self._end(fate, writer, their_writer)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            their_writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fate: Fate) -> None:
        """Until an end of file, an error, or the end of its life."""
        while data := await reader.read(CHUNK):
            for start in range(0, len(data), fate.slice):
                piece = data[start : start + fate.slice]
                if fate.end and fate.life < len(piece):
                    fate.met = True
                    return
                fate.life -= len(piece)
                await asyncio.sleep(fate.delay / (1 + len(data) // fate.slice))
                writer.write(piece)
                await writer.drain()

    async def _end(self, fate: Fate, *writers: asyncio.StreamWriter) -> None:
        if fate.met:
            self.ends[fate.end] += 1
        if fate.met and fate.end == HALF_OPEN:
            await asyncio.Event().wait()  # both ends stay open, and nothing passes any more
        for writer in writers:
            if fate.met and (sock := writer.get_extra_info("socket")) is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
