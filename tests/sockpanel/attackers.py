"""Clients that mean no good, or behave as if they did: each drips a request, or never sends one, and comes back when it is cut."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

HEAD = b"GET /taken HTTP/1.1\r\nHost: x\r\nX-Long: "
BODY = b"POST /taken HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n"
CHUNKS = b"POST /taken HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n"
UPGRADE = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Long: "
NOTHING = b""
BEGINNINGS = {"head": HEAD, "body": BODY, "chunked body": CHUNKS, "WebSocket": UPGRADE, "nothing": NOTHING}
EVERY = 0.05  # seconds between two bytes


async def drip(port: int, beginning: bytes, drops: bool = True, host: str = "127.0.0.1") -> tuple[float, bytes]:
    """Send `beginning`, then a byte now and then, until cut: after how many seconds that was, and what came back."""
    reader, writer = await asyncio.open_connection(host, port)
    began = time.monotonic()
    answer = b""
    try:
        writer.write(beginning)
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    piece = await reader.read(65_536)
                    if not piece:
                        break
                    answer += piece
            if drops:
                writer.write(b"a")
                await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
    return time.monotonic() - began, answer


async def again_and_again(port: int, beginning: bytes, drops: bool = True) -> None:
    while True:
        with contextlib.suppress(OSError):
            await drip(port, beginning, drops)


async def reads_slowly(port: int, path: str) -> None:
    """Ask for something long and take a byte now and then."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        while await reader.read(1):  # noqa: ASYNC110 (a slow reader does just that)
            await asyncio.sleep(EVERY)
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def crowd(port: int, count: int, path: str) -> AsyncIterator[None]:
    """So many of every sort at once, for as long as the block lasts."""
    kinds = list(BEGINNINGS.values())
    tasks = [
        asyncio.create_task(
            reads_slowly(port, path) if number % 6 == 5 else again_and_again(port, kinds[number % 6]),
            name=f"attacker {number}",
        )
        for number in range(count)
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
