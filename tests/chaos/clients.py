"""Ledger clients: they send numbered messages to servers that answer after the commit, and send again what was not answered.

They connect anew whenever a connection ends, note who refused them and when, and never give up before `finish`. They know no panel.

    client = StreamClient(ledger, ("127.0.0.1", 9000), rate=100)
    client.start()
    await client.finish(within=10)     # nothing new; returns once every number is answered
    await client.stop()
"""

import asyncio
import socket
import time
from abc import ABC, abstractmethod

from tests.chaos.ledger import Ledger, Send

IN_FLIGHT = 32  # sends that wait for their answers
PATIENCE = 3.0  # seconds without an answer after which a stream is taken for dead
DATAGRAM_PATIENCE = 0.5  # seconds after which a datagram is taken for lost
PAUSE = 0.01  # seconds before the next try to connect
LONGEST = 1024  # bytes of an answer

Address = tuple[str, int]


class LedgerClient(ABC):
    """One client with one ledger, over one socket at a time."""

    def __init__(self, ledger: Ledger, address: Address, rate: float) -> None:
        """`rate`: new numbers a second at the most."""
        self.ledger = ledger
        self.address = address
        self.refusals: list[float] = []  # when (monotonic) a connect was refused
        self.breaks = 0  # connections that ended under it
        self._every = 1 / rate
        self._waiting: dict[int, Send] = {}  # number -> its last attempt, in the order they were sent
        self._moved = asyncio.Event()
        self._ending = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.ledger.client)

    async def stop(self) -> None:
        """At once, whatever is unanswered. Raises what the client has failed with."""
        if self._task is not None:
            self._task.cancel()
            try:
                await self._task
            except asyncio.CancelledError:
                pass  # as asked

    async def _run(self) -> None:
        while True:
            try:
                await self._converse()
            except ConnectionRefusedError:
                self.refusals.append(time.monotonic())
                await asyncio.sleep(PAUSE)
            except (OSError, EOFError, TimeoutError):
                self.breaks += 1
                await asyncio.sleep(PAUSE)

    async def finish(self, within: float) -> None:
        """Send nothing new and wait until everything is answered."""
        self._ending = True
        async with asyncio.timeout(within):
            while self._waiting:
                self._moved.clear()
                await self._moved.wait()

    @property
    def unanswered(self) -> int:
        return len(self._waiting)

    @abstractmethod
    async def _converse(self) -> None:
        """Over one socket, until it breaks."""

    def _fresh(self) -> Send | None:
        """The next number, unless enough are under way."""
        if self._ending or len(self._waiting) >= IN_FLIGHT:
            return None
        send = self.ledger.next()
        self._waiting[send.number] = send
        return send

    def _retry(self, send: Send) -> Send:
        again = self.ledger.again(send)
        self._waiting[send.number] = again
        return again

    def _heard(self, data: bytes) -> None:
        """An answer: to any attempt of the number, early or late."""
        send = Send.read(data)
        assert send in self.ledger.sent, f"an answer to nothing that was sent: {data!r}"
        self.ledger.answered(send)
        self._waiting.pop(send.number, None)
        self._moved.set()


class StreamClient(LedgerClient):
    """Over TCP, each message a line."""

    async def _converse(self) -> None:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(*self.address)
        try:
            for send in list(self._waiting.values()):
                writer.write(self._retry(send).data + b"\n")
            async with asyncio.TaskGroup() as both:
                both.create_task(self._talk(writer), name="talk")
                both.create_task(self._listen(reader), name="listen")
        except* (OSError, EOFError, TimeoutError) as broken:
            raise broken.exceptions[0] from None
        finally:
            writer.transport.abort()

    async def _talk(self, writer: asyncio.StreamWriter) -> None:
        while True:
            if send := self._fresh():
                writer.write(send.data + b"\n")
                await writer.drain()
            await asyncio.sleep(self._every)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            async with asyncio.timeout(PATIENCE):
                data = await reader.readuntil(b"\n")
            self._heard(data[:-1])
            self.ledger.sync()


class DatagramClient(LedgerClient):
    """Over UDP, each message a datagram."""

    async def _converse(self) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect(self.address)
            sent_at: dict[int, float] = {}
            while True:
                await self._send_due(sock, sent_at)
                try:
                    async with asyncio.timeout(self._every):
                        while True:
                            self._heard(await loop.sock_recv(sock, LONGEST))
                            self.ledger.sync()
                except TimeoutError:
                    pass  # it is time to send

    async def _send_due(self, sock: socket.socket, sent_at: dict[int, float]) -> None:
        now = time.monotonic()
        for number, send in list(self._waiting.items()):
            if now - sent_at.get(number, 0.0) > DATAGRAM_PATIENCE:
                sent_at[number] = now
                sock.send(self._retry(send).data)
        if send := self._fresh():
            sent_at[send.number] = now
            sock.send(send.data)
