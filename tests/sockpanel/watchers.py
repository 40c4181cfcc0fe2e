"""Pages that watch a server, without a browser: many in one process, cheap enough to measure the panel and not themselves.

async with asyncio.TaskGroup() as group:
    watcher = Watcher(panel.port, panel.token, "echo")
    group.create_task(watcher.watch())      # reconnects with the last number it knows, until `watcher.is_over`
watcher.seqs, watcher.gaps, watcher.delays
"""

import asyncio
import os
import time
from datetime import datetime

import msgspec

AGAIN = 0.2  # seconds before it connects again
_MASKED = 0x80


class Row(msgspec.Struct):
    """What of a message matters here."""

    seq: int
    at: str


class Frame(msgspec.Struct, rename={"first": "from", "last": "to"}):
    """Any frame."""

    type: str
    first: int = 0
    last: int = 0
    skipped: int = 0
    messages: list[Row] = []
    code: str = ""
    id: int = 0


_decoder = msgspec.json.Decoder(Frame)


class Wire:
    """One WebSocket, from the side of the client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.closed_with: int | None = None

    @classmethod
    async def open(cls, port: int, token: str, name: str, host: str = "") -> "Wire":
        """`host`: the panel's own address, where `port` is something between."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4 * 1024 * 1024)
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        writer.write(
            f"GET /ws/servers/{name}/ HTTP/1.1\r\nHost: {host or f'127.0.0.1:{port}'}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        try:
            status = (await reader.readuntil(b"\r\n\r\n"))[9:12]
            if status != b"101":
                raise ConnectionError(f"the panel said {status.decode()}")
        except BaseException:
            writer.close()
            raise
        return cls(reader, writer)

    def say(self, text: bytes, opcode: int = 1) -> None:
        assert len(text) < 126
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(text))
        self._writer.write(bytes((0x80 | opcode, _MASKED | len(text))) + mask + masked)

    async def heard(self) -> bytes | None:
        """The next text; None at the end. Pings are answered."""
        while True:
            first, second = await self._reader.readexactly(2)
            size = second
            if second == 126:
                size = int.from_bytes(await self._reader.readexactly(2), "big")
            elif second == 127:
                size = int.from_bytes(await self._reader.readexactly(8), "big")
            payload = await self._reader.readexactly(size)
            if first == 0x81:
                return payload
            if first == 0x88:
                self.closed_with = int.from_bytes(payload[:2], "big")
                return None
            if first == 0x89:
                self.say(payload, opcode=10)

    def close(self) -> None:
        self._writer.close()


class Watcher:
    """One page. It acknowledges what comes, unless it is told to read nothing."""

    def __init__(self, port: int, token: str, name: str, host: str = "") -> None:
        self.port, self._token, self._name, self._host = port, token, name, host
        self.last = 0
        self.seqs: set[int] = set()
        self.doubled = 0
        self.gaps: list[tuple[int, int]] = []  # numbers that have to be fetched, both ends included
        self.delays: list[float] = []
        self.errors: list[str] = []
        self.opened = 0
        self.is_over = False

    async def watch(self) -> None:
        while not self.is_over:
            try:
                await self._watch_once()
            except (OSError, asyncio.IncompleteReadError):
                pass  # cut: it comes back
            await asyncio.sleep(AGAIN)

    async def _watch_once(self) -> None:
        wire = await Wire.open(self.port, self._token, self._name, self._host)
        self.opened += 1
        try:
            wire.say(b'{"type":"follow","after":%d}' % self.last)
            while not self.is_over and (text := await wire.heard()) is not None:
                self._take(text)
                wire.say(b'{"type":"ack","seq":%d}' % self.last)
        finally:
            wire.close()

    def _take(self, text: bytes) -> None:
        frame = _decoder.decode(text)
        if frame.type == "error":
            self.errors.append(frame.code)
        if frame.type != "messages":
            return
        assert frame.first == self.last + 1, (frame.first, self.last)
        if frame.skipped:
            self.gaps.append((frame.first, frame.last))
        numbers = [row.seq for row in frame.messages]
        self.doubled += len(self.seqs.intersection(numbers))
        self.seqs.update(numbers)
        self.last = frame.last
        if frame.messages:
            self.delays.append(time.time() - datetime.fromisoformat(frame.messages[-1].at).timestamp())


async def reads_nothing(port: int, token: str, name: str) -> None:
    """Follow, and take nothing of what comes, until cancelled."""
    wire = await Wire.open(port, token, name)
    wire.say(b'{"type":"follow","after":0}')
    try:
        await asyncio.Event().wait()
    finally:
        wire.close()
