"""daphne with manners: it waits for slow readers, and leaves without cutting anybody off.

A response waits while its transport is full, so that a streamed export or a slow reader costs no memory; at the end WebSockets get a
close code and requests get 5 seconds. It knows no Django. Stock daphne does none of this.

    PanelServer(application, [listening_socket]).run()        # until SIGTERM or SIGINT
"""

import asyncio
import contextvars
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from sockpanel.brake import Brake
from sockpanel.door import Door, own_capacity
from sockpanel.guests import Guests
from sockpanel.inbox import Inbox
from sockpanel.reception import Factory
from sockpanel.speaking import Speaking
from sockpanel.turns import Turns

FINISH = 5.0  # seconds that requests and closing handshakes get at the end
# Seconds that work may go on for somebody who has left: a thread cannot be stopped, and keeps its turn
WORK_ON_WITHIN = 60
SERVICE_RESTART = 1012  # the close code (RFC 6455 registry): come back in a moment
BROWSER_SAYS = 64 * 1024  # bytes: browsers send small commands, and nothing else, over a WebSocket

logger = logging.getLogger(__name__)


class PoliteServer(Server):
    """daphne's server with back pressure and a graceful end."""

    def __init__(self, application: Callable[..., Awaitable[None]], **options: Any) -> None:
        small = {"websocket_max_message_size": BROWSER_SAYS, "websocket_max_frame_size": BROWSER_SAYS}
        super().__init__(
            application, **{**options, **small, "server_name": "", "application_close_timeout": WORK_ON_WITHIN}
        )
        self._ports: list[Any] = []
        self._capacity = own_capacity()
        self._turns = Turns(self._capacity.turns)
        self._speaking = Speaking()
        self._guests: Guests | None = None  # where daphne opens the port nobody is counted

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Inbox:
        """Run the application for a request or a WebSocket; what comes in for it goes into the inbox."""
        is_socket = scope["type"] == "websocket"
        inbox = Inbox(protocol.transport if is_socket else None)
        scope["asgi"] = {"version": "3.0"}
        work = self._run(protocol, scope, inbox) if is_socket else self._answer(protocol, scope, inbox)
        # In a context of its own: it would inherit that of the connection's last request, and with it a thread that nobody ends
        task = asyncio.get_running_loop().create_task(work, name="application", context=contextvars.Context())
        self.connections[protocol]["application_instance"] = task
        return inbox

    async def _run(self, protocol: Any, scope: Any, inbox: Inbox) -> None:
        await self.application(scope, inbox.get, partial(self.handle_reply, protocol))

    async def _answer(self, protocol: Any, scope: Any, inbox: Inbox) -> None:
        """A response that breaks off halfway is cut, where daphne would try to begin another one."""
        started = False
        details = self.connections[protocol]

        async def send(message: Any) -> None:
            nonlocal started
            started = True
            await self.handle_reply(protocol, message)

        def is_wanted() -> bool:
            details["waits"] = False
            return "disconnected" not in details

        details["waits"] = True
        try:
            await self._turns.take(lambda send: self.application(scope, inbox.get, send), send, is_wanted)
        except Exception:
            if not started:
                raise
            logger.exception("A response broke off.")
            protocol.transport.abortConnection()

    # Back pressure

    async def handle_reply(self, protocol: Any, message: Any) -> None:
        details = self.connections.get(protocol)
        if details is None or details.get("disconnected"):
            return
        brake = details.setdefault("brake", Brake())
        if isinstance(protocol, WebSocketProtocol):
            await self._speaking.reply(protocol, message, brake)
            return
        is_last = message["type"] == "http.response.body" and not message.get("more_body")
        if message["type"] == "http.response.start":
            protocol.registerProducer(brake, True)
        elif is_last:
            protocol.unregisterProducer()
        await super().handle_reply(protocol, message)
        if message["type"] == "http.response.body" and not is_last and not brake.is_open:
            await self._wait(protocol, brake)

    async def _wait(self, protocol: Any, brake: Brake) -> None:
        """For a slow reader, of whom there may be only so many."""
        guests, guest = self._guests, getattr(protocol.transport, "guest", None)
        if guests and guest:
            guests.is_slow(guest)
        if not await brake.wait():
            protocol.transport.abortConnection()
        if guests and guest:
            guests.is_served(guest)

    def protocol_disconnected(self, protocol: Any) -> None:
        super().protocol_disconnected(protocol)
        self._speaking.gone(protocol)
        if self.connections[protocol].get("waits"):
            self.connections[protocol]["application_instance"].cancel()

    # The end

    def listen_success(self, port: Any) -> None:
        self._ports.append(port)
        super().listen_success(port)

    def kill_all_applications(self) -> Deferred:
        """Called before the reactor stops, which waits for it."""
        return Deferred.fromFuture(asyncio.ensure_future(self._leave()))

    async def _leave(self) -> None:
        for port in self._ports:
            port.stopListening()
        for protocol in self.connections:
            if isinstance(protocol, WebSocketProtocol) and protocol.state == WebSocketProtocol.STATE_OPEN:
                protocol.sendCloseFrame(code=SERVICE_RESTART, reasonUtf8=b"The panel restarts.", isReply=False)
        deadline = asyncio.get_running_loop().time() + FINISH
        await self._finish(self._running(), FINISH)
        while reactor.getWriters() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 (it has no event)
            await asyncio.sleep(0.01)  # until Twisted has handed every answer to the kernel
        for application in (late := self._running()):
            application.cancel()
        await self._finish(late, 1.0)

    def _running(self) -> list[asyncio.Future[None]]:
        found = (details.get("application_instance") for details in self.connections.values())
        return [application for application in found if application is not None and not application.done()]

    async def _finish(self, applications: Iterable[asyncio.Future[None]], seconds: float) -> None:
        if applications := list(applications):
            await asyncio.wait(applications, timeout=seconds)


class PanelServer(PoliteServer):
    """Serves on sockets that listen already; with TLS when `certificate` is one (sockpanel.panel_tls)."""

    def __init__(
        self,
        application: Callable[..., Awaitable[None]],
        listening: Sequence[socket.socket],
        certificate: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(application, endpoints=["our own"], ready_callable=self._adopt, **options)
        self.endpoints: list[str] = []  # nothing for daphne to open
        self._listening, self._certificate = listening, certificate

    def _adopt(self) -> None:
        guests = self._guests = Guests(self._capacity.connections, slow=self._capacity.slow)
        self.http_factory = Factory(self, guests)
        factory = self.http_factory if self._certificate is None else _with_tls(self.http_factory, self._certificate)
        for listening in self._listening:
            door = Door.opened(listening, factory, guests, reactor)
            listening.close()  # Twisted has a descriptor of its own
            self.listen_success(door)


def _with_tls(factory: Any, certificate: Any) -> Any:
    """The factory behind TLS."""
    return import_module("sockpanel.misled").Factory(certificate, factory)  # a panel without TLS saves its memory
