"""Asks a server one question over a socket of its own, again and again until it is answered: it serves.

The answer comes after the commit, so that it says the whole way works. It knows no process.
"""

import asyncio
import socket
import time

from tests.chaos.ledger import Ledger, Send

GIVE_UP = 30.0  # seconds
TRY = 1.0  # seconds for a stream's answer
DATAGRAM_TRY = 0.1  # seconds for a datagram's: it may have gone to somebody who died
BETWEEN = 0.01  # seconds between two tries


class Probe:
    """For one server. What it sends and is answered stands in its ledger, like any client's."""

    def __init__(self, ledger: Ledger, kind: str, port: int) -> None:
        self.ledger = ledger
        self.refused = 0  # connects
        self._ask = self._by_stream if kind == "tcp" else self._by_datagram
        self._address = ("127.0.0.1", port)

    async def answered(self) -> None:
        """Returns at the first answer."""
        end = time.monotonic() + GIVE_UP
        send = self.ledger.next()
        while not await self._tried(send):
            assert time.monotonic() < end, f"{self._address} has answered nothing for {GIVE_UP:g} s"
            await asyncio.sleep(BETWEEN)
            send = self.ledger.again(send)
        self.ledger.answered(send)
        self.ledger.sync()

    async def _tried(self, send: Send) -> bool:
        try:
            return await self._ask(send.data)
        except ConnectionRefusedError:
            self.refused += 1
        except (OSError, EOFError, TimeoutError):
            pass  # somebody died under it: asked again
        return False

    async def _by_stream(self, data: bytes) -> bool:
        async with asyncio.timeout(TRY):
            reader, writer = await asyncio.open_connection(*self._address)
            try:
                writer.write(data + b"\n")
                return await reader.readuntil(b"\n") == data + b"\n"
            finally:
                writer.close()

    async def _by_datagram(self, data: bytes) -> bool:
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.connect(self._address)
            sock.send(data)
            async with asyncio.timeout(DATAGRAM_TRY):
                return await asyncio.get_running_loop().sock_recv(sock, len(data) + 1) == data
