"""Clients for tests: plain sockets with deadlines, and one that resets."""

import asyncio
import socket
import struct
from typing import Any

WITHIN = 5.0


class Client:
    """A TCP or UNIX stream client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @property
    def name(self) -> str:
        return "{}:{}".format(*self.writer.get_extra_info("sockname"))

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await asyncio.wait_for(self.writer.drain(), WITHIN)

    async def hear(self, size: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(size), WITHIN)

    async def ask(self, data: bytes, size: int) -> bytes:
        """Send `data` and read `size` bytes."""
        await self.say(data)
        return await self.hear(size)

    async def hear_all(self) -> bytes:
        """Everything until the server ends the stream."""
        return await asyncio.wait_for(self.reader.read(), WITHIN)

    def leave(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        """Break the connection as a crash does: RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Leave nothing of it in the loop."""
        self.writer.transport.abort()
        await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)


async def connected(address: Any) -> Client:
    if isinstance(address, str):
        return Client(*await asyncio.wait_for(asyncio.open_unix_connection(address), WITHIN))
    return Client(*await asyncio.wait_for(asyncio.open_connection(*address), WITHIN))


class Datagrams:
    """A datagram client that knows whom an answer came from."""

    def __init__(self, family: int = socket.AF_INET, bound: Any = None) -> None:
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        if bound is not None:
            self.sock.bind(bound)

    @property
    def name(self) -> str:
        host, port = self.sock.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def hear(self) -> tuple[bytes, Any]:
        loop = asyncio.get_running_loop()
        return await asyncio.wait_for(loop.sock_recvfrom(self.sock, 65_536), WITHIN)

    async def ask(self, data: bytes, address: Any) -> bytes:
        """Send one datagram, return the answer."""
        self.sock.sendto(data, address)
        return (await self.hear())[0]

    def __enter__(self) -> "Datagrams":
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()
