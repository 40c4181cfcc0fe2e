"""One of many who look at a server's messages: which rows came, and how late each was. It knows no page.

A WebSocket as thin as it can be, for 180 of them share a processor with what they measure: the frames of a server are not masked, ours
are masked with zeros, and a text that all of them get is decoded once. Rows that it was told to skip it reads again over the API.
"""

import asyncio
import base64
import json
import os
import time
from datetime import datetime
from functools import lru_cache
from typing import cast

import msgspec

from tests.benchmarks.product import Product

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
NO_MASK = bytes(4)


class Row(msgspec.Struct):
    seq: int
    at: str


class Told(msgspec.Struct, rename={"first": "from", "last": "to"}):
    """A frame, as far as it matters here."""

    type: str
    first: int = 0
    last: int = 0
    skipped: int = 0
    messages: list[Row] = []

    def read(self) -> tuple["Told", list[int], list[float]]:
        return self, [row.seq for row in self.messages], [_moment(row.at) for row in self.messages]


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@lru_cache(64)
def read(text: bytes) -> tuple[Told, list[int], list[float]]:
    """A frame, the numbers of its rows, and when each was recorded."""
    return msgspec.json.decode(text, type=Told).read()


class Watcher(asyncio.Protocol):
    """Follows from the first row, acknowledges every frame; a `starer` reads nothing after its handshake."""

    def __init__(self, product: Product, server: str, stares: bool = False) -> None:
        self.seen: set[int] = set()
        self.doubled = 0
        self.delays: list[float] = []  # seconds from the record to here
        self.skipped: list[tuple[int, int]] = []  # spans of which rows were left out
        self.last = 0
        self.closed = False
        self.ready = asyncio.Event()  # it follows
        self._product, self._server, self._stares = product, server, stares
        self._waiting = b""
        self._is_open = False

    async def connect(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._product.port)
        await asyncio.wait_for(self.ready.wait(), 30)

    def leave(self) -> None:
        self._transport.abort()

    def read_skipped(self) -> None:
        """Over the API, page by page."""
        for first, last in self.skipped:
            while True:
                path = f"/servers/{self._server}/messages?after={first - 1}&before={last + 1}&limit=1000"
                page = self._product.ask("GET", path)
                self.seen.update(row["seq"] for row in page["messages"])
                if not page["more"]:
                    break
                last = page["first"] - 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET /ws/servers/{self._server}/ HTTP/1.1\r\nHost: 127.0.0.1:{self._product.port}\r\n"
            f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            f"Authorization: Bearer {self._product.token}\r\n\r\n".encode()
        )

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        if not self._is_open:
            self._opened()
        while self._is_open and (frame := self._frame()) is not None:
            self._take(*frame)

    def _opened(self) -> None:
        head, blank, rest = self._waiting.partition(b"\r\n\r\n")
        if not blank:
            return
        if not head.startswith(b"HTTP/1.1 101"):
            raise RuntimeError(f"No WebSocket: {head.decode(errors='replace')}")
        self._is_open, self._waiting = True, rest
        self._say(TEXT, json.dumps({"type": "follow", "after": 0}).encode())
        if self._stares:
            self._transport.pause_reading()
            self._is_open = False
        self.ready.set()

    def _frame(self) -> tuple[int, bytes] | None:
        """The next whole frame of what waits; the panel sends none in pieces."""
        waiting = self._waiting
        if len(waiting) < 2:
            return None
        size, at = waiting[1], 2
        if size >= 126:
            at = 4 if size == 126 else 10
            size = int.from_bytes(waiting[2:at], "big")
        if len(waiting) < at + size:
            return None
        self._waiting = waiting[at + size :]
        return waiting[0] & 15, waiting[at : at + size]

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == PING:
            self._say(PONG, payload)
        elif kind == TEXT:
            self._hear(payload)

    def _hear(self, payload: bytes) -> None:
        now = time.time()
        told, numbers, moments = read(payload)
        if told.type == "messages":
            before = len(self.seen)
            self.seen.update(numbers)
            self.doubled += before + len(numbers) - len(self.seen)
            self.delays += [now - at for at in moments]
            if told.skipped:
                self.skipped.append((told.first, told.last))
            self.last = told.last
        self._say(TEXT, b'{"type":"ack","seq":%d}' % self.last)

    def _say(self, kind: int, payload: bytes) -> None:
        self._transport.write(bytes((0x80 | kind, 0x80 | len(payload))) + NO_MASK + payload)
