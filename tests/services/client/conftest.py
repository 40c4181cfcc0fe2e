"""Plain servers to talk to: each a few lines of asyncio, on loopback and a free port; nothing of them outlives its test."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[..., Awaitable[int]]
Answers = Callable[[bytes], list[bytes]]


class StreamServers:
    """Servers whose connections are closed when their handler returns, or at the end of the test."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._handlers: set[asyncio.Task[None]] = set()

    async def tcp(self, handler: Handler) -> int:
        server = await asyncio.start_server(self._closing(handler), "127.0.0.1", 0)
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def unix(self, handler: Handler, path: Path) -> None:
        self._servers.append(await asyncio.start_unix_server(self._closing(handler), path))

    def _closing(self, handler: Handler) -> Handler:
        async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._handlers.add(asyncio.current_task())  # type: ignore[arg-type]
            with contextlib.suppress(ConnectionError):
                try:
                    await handler(reader, writer)
                finally:
                    writer.close()
                    await writer.wait_closed()

        return closing

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)


@pytest.fixture
async def stream_servers() -> AsyncIterator[StreamServers]:
    servers = StreamServers()
    yield servers
    await servers.close()


@pytest.fixture
def serve_tcp(stream_servers: StreamServers) -> Serve:
    """Start a TCP server for a handler; gives its port."""
    return stream_servers.tcp


@pytest.fixture
async def serve_udp() -> AsyncIterator[Serve]:
    """Start a UDP server that answers each datagram with a list of them; gives its port. asyncio's own sends no empty ones."""
    loop, opened = asyncio.get_running_loop(), []

    async def serve(answers: Answers, host: str = "127.0.0.1") -> int:
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        opened.append(sock)
        sock.bind((host, 0))

        def ready() -> None:
            data, sender = sock.recvfrom(65_536)
            for answer in answers(data):
                sock.sendto(answer, sender)

        loop.add_reader(sock, ready)
        return int(sock.getsockname()[1])

    yield serve
    for sock in opened:
        loop.remove_reader(sock)
        sock.close()


@pytest.fixture
def free_port() -> Iterator[int]:
    """A TCP and UDP port that nobody answers at: bound for the length of the test, and not listening."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield int(sock.getsockname()[1])
