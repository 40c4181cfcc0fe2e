"""Rows without a database, for the parts of the live view that know none; below, servers and WebSockets with one."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.db.models import Model
from django.db.transaction import atomic

from services import operations
from services.hints import PANEL, ahint
from services.history import MessageOut
from services.models import Connection, Counters, Message, Server, Status
from services.servers import clock
from sockpanel.accounts.models import Token, User
from sockpanel.accounts.sockets import SignedIn
from sockpanel.live.routing import urlpatterns
from sockpanel.live.tail import Row, encode_rows

Rows = Callable[..., list[Row]]


@pytest.fixture
def rows() -> Rows:
    """Makes rows with these numbers."""

    def make(numbers: Iterable[int], data: bytes = b"x", direction: str = "in") -> list[Row]:
        at = "2026-11-20T10:11:12.000345Z"
        return encode_rows(
            MessageOut(seq, at, 1, "127.0.0.1:5000", direction, len(data), False, None, data) for seq in numbers
        )

    return make


# With databases: a server, somebody who records, and WebSockets to look at it


class Records:
    """Writes a server's rows as the recorder does, each step in one transaction, and hints."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.counters = Counters(server_id=server.pk)
        self.counters.save()

    async def messages(self, count: int, data: bytes = b"x", kept: int | None = None) -> None:
        """`count` more messages, of which the newest `kept` are still there."""
        await sync_to_async(self.store)(count, data, kept)
        await ahint(PANEL, self.server.pk)

    async def opened(self, number: int) -> None:
        self.counters.open_connections += 1
        self.counters.connections += 1
        self.counters.last_connection = number
        row = Connection(server_id=self.server.pk, number=number, run=1, peer=f"127.0.0.1:{number}")
        row.opened_at = row.last_at = clock.now()
        row.opened_seq = self.counters.last_seq
        await self._save(row)

    async def closed(self, number: int) -> None:
        self.counters.open_connections -= 1
        row = await Connection.objects.aget(server_id=self.server.pk, number=number)
        row.closed_at, row.closed_seq, row.why = clock.now(), self.counters.last_seq, "closed by the peer"
        await self._save(row)

    async def state(self, state: str, reason: str = "") -> None:
        await self._save(Status(server_id=self.server.pk, state=state, reason=reason, since=clock.now()))

    async def _save(self, row: Model) -> None:
        await sync_to_async(self._save_now)(row)
        await ahint(PANEL, self.server.pk)

    def _save_now(self, row: Model) -> None:
        with atomic(using="messages"):
            row.save()
            self.counters.save()

    def store(self, count: int, data: bytes = b"x", kept: int | None = None) -> None:
        """The same without a hint."""
        kept = count if kept is None else kept
        first = self.counters.last_seq + 1
        self.counters.last_seq += count
        self.counters.received = self.counters.stored = self.counters.last_seq
        numbers = range(first + count - kept, first + count)
        rows = [
            Message(server_id=self.server.pk, seq=seq, at=seq, run=1, connection=seq % 3, peer="", direction=seq % 2,
                    data=data, size=len(data))
            for seq in numbers
        ]  # fmt: skip
        with atomic(using="messages"):
            Message.objects.bulk_create(rows, batch_size=90)
            self.counters.save()


@pytest.fixture
def records(transactional_db: None) -> Records:
    """A server named echo, without a past."""
    return Records(operations.create({"preset": "echo"}, "ada"))


class Browser:
    """A WebSocket, and what came by it."""

    def __init__(self, path: str, headers: list[tuple[bytes, bytes]]) -> None:
        self._socket = WebsocketCommunicator(SignedIn(URLRouter(urlpatterns)), path, headers=headers)  # type: ignore[arg-type]
        self.frames: list[dict[str, Any]] = []

    async def open(self) -> bool:
        accepted, _ = await self._socket.connect(timeout=10)
        return bool(accepted)

    async def say(self, **frame: Any) -> None:
        await self._socket.send_json_to(frame)

    async def say_text(self, text: str) -> None:
        await self._socket.send_to(text_data=text)

    async def next(self, kind: str, within: float = 10.0) -> dict[str, Any]:
        """The next frame of this type; those before it are kept too."""
        async with asyncio.timeout(within):
            while True:
                frame: dict[str, Any] = await self._socket.receive_json_from(timeout=within)
                self.frames.append(frame)
                if frame["type"] == kind:
                    return frame

    async def closed(self, within: float = 10.0) -> int:
        """The code it is closed with; what comes before is kept."""
        async with asyncio.timeout(within):
            while True:
                event = await self._socket.receive_output(timeout=within)
                if event["type"] == "websocket.close":
                    return int(event["code"])
                self.frames.append(json.loads(event["text"]))

    async def silent(self) -> bool:
        """Whether nothing more comes in a while that is long for the hub."""
        return bool(await self._socket.receive_nothing(timeout=0.3))

    async def leave(self) -> None:
        await self._socket.disconnect(timeout=10)

    async def follow_to(self, seq: int) -> list[dict[str, Any]]:
        """Acknowledge each batch until the one that ends with `seq`; the batches."""
        batches = []
        while not batches or batches[-1]["to"] < seq:
            batches.append(await self.next("messages"))
            await self.say(type="ack", seq=batches[-1]["to"])
        return batches


Browse = Callable[..., Awaitable[Browser]]


@pytest_asyncio.fixture
async def browse(transactional_db: None) -> AsyncIterator[Browse]:
    """Opens a WebSocket as Vera, a viewer with a token; they are all closed at the end."""
    vera = await User.objects.acreate(username="vera", role="viewer")
    token = await sync_to_async(Token.issue)(vera)
    opened: list[Browser] = []

    async def browse(path: str = "/ws/servers/echo/", **headers: str) -> Browser:
        sent = headers or {"authorization": f"Bearer {token}"}
        browser = Browser(path, [(name.encode(), value.encode()) for name, value in sent.items()])
        assert await browser.open()
        opened.append(browser)
        return browser

    yield browse
    for browser in opened:
        await browser.leave()
