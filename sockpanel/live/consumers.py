"""The WebSockets themselves, as ASGI applications behind accounts.sockets.SignedIn: what is said to the hub, when it closes.

They are not Channels' consumers: those hold a channel on the bus each, so that whoever writes to the bus could call their methods,
and hop to a thread for every frame.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from django.db import Error

from services.errors import NotAllowed, RequestRefused
from services.models import Server
from sockpanel.accounts.permissions import DEEDS, includes
from sockpanel.accounts.sockets import opens
from sockpanel.live import filters, people, wire
from sockpanel.live.hub import Hub, visit
from sockpanel.live.outlet import Outlet, Send
from sockpanel.live.people import Person
from sockpanel.live.seat import Seat
from sockpanel.live.wire import Ack, Follow

Receive = Callable[[], Awaitable[dict[str, Any]]]
Scope = dict[str, Any]

SEATS = 5_000  # WebSockets of one process
SEATS_EACH = 1_000  # of one person
FRAMES = 200.0  # that a client may send a second, and
BURST = 1_000.0  # at once


class Socket:
    """One open WebSocket."""

    def __init__(self, hub: Hub, receive: Receive) -> None:
        self._hub = hub
        self._receive = receive
        self.outlet = Outlet()
        self._credit, self._credited_at = BURST, time.monotonic()

    async def run(self, scope: Scope, server: str | None) -> None:
        """From the open connection to its end."""
        try:
            seat = await self._seat(people.of(scope), server)
        except (Error, TimeoutError):
            self.outlet.close(wire.RESTART)
            seat = None
        try:
            while (text := await self._next()) is not None:
                if seat:
                    await self._heard(seat, text)
        finally:
            if seat:
                self._hub.room.leave(seat)

    async def _seat(self, person: Person, name: str | None) -> Seat | None:
        """A place, or none: the socket is closed with the reason."""
        room = self._hub.room
        if len(room.seats) >= SEATS or sum(seat.person.user == person.user for seat in room.seats) >= SEATS_EACH:
            self.outlet.close(wire.TOO_MUCH)
            return None
        server = None if name is None else await room.reader.run(_server_id, name)
        if name is not None and server is None:
            self.outlet.close(wire.UNKNOWN, wire.error("SP-2103", f"There is no server named {name[:64]!r}."))
            return None
        seat = await room.sit(person, self.outlet, server)
        self._hub.wake()
        return seat

    async def _next(self) -> str | None:
        """The next frame's text; empty for a frame of bytes, None at the end."""
        event = await self._receive()
        if event["type"] != "websocket.receive":
            return None
        now = time.monotonic()
        self._credit = min(BURST, self._credit + FRAMES * (now - self._credited_at)) - 1
        self._credited_at = now
        if self._credit < 0:
            self.outlet.close(wire.TOO_MUCH)
        return event.get("text") or ""

    async def _heard(self, seat: Seat, text: str) -> None:
        if self.outlet.closing:
            return
        try:
            said = wire.decode(text)
            _require(seat.person, wire.SAYS[type(said)])
            match said:
                case Ack(seq=seq):
                    self._hub.room.acknowledged(seat, seq)
                    if self._hub.room.is_hungry:
                        self._hub.wake()
                case Follow(after=after, filter=words, incident=incident):
                    await self._hub.room.follow(seat, after, filters.parse(words), incident)
                    self._hub.wake()
        except (RequestRefused, NotAllowed) as error:
            seat.refuse(error, time.monotonic())
        except (Error, TimeoutError):
            self.outlet.close(wire.RESTART)


def _require(person: Person, deed: str) -> None:
    """Raises NotAllowed."""
    if not includes(person.role, deed):
        raise NotAllowed(f"This needs the role {DEEDS[deed].role} and yours is {person.role}: ask an admin for it.")


def _server_id(name: str) -> int | None:
    return Server.objects.filter(name=name).values_list("pk", flat=True).first() if "\0" not in name else None


async def _serve(scope: Scope, receive: Receive, send: Send, server: str | None) -> None:
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    async with visit() as hub, asyncio.TaskGroup() as group:
        socket = Socket(hub, receive)
        writer = group.create_task(socket.outlet.drain(send), name="live writer")
        await socket.run(scope, server)
        writer.cancel()


@opens("servers.see")
async def panel(scope: Scope, receive: Receive, send: Send) -> None:
    """/ws/panel/: states and counters of all servers."""
    await _serve(scope, receive, send, None)


@opens("servers.see")
async def server(scope: Scope, receive: Receive, send: Send) -> None:
    """/ws/servers/<name>/: one server's messages, connections, state and counters."""
    await _serve(scope, receive, send, scope["url_route"]["kwargs"]["name"])
