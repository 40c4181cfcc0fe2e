"""daphne with manners: it waits for slow readers, and leaves without cutting anybody off.

A response waits while its transport is full, so that a streamed export or a slow reader costs no memory; at the end WebSockets get a
close code and requests get 5 seconds. It knows no Django. Stock daphne does none of this.

    PanelServer(application, listening_socket).run()        # until SIGTERM or SIGINT
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer  # type: ignore[import-untyped]

CLOSE_WITHIN = 15.0  # seconds for a browser to read what was sent before the close, and to close too
FINISH = 5.0  # seconds that requests and closing handshakes get at the end
STALLED = 300.0  # seconds that a full transport may go without emptying
SERVICE_RESTART = 1012  # the close code (RFC 6455 registry): come back in a moment
BROWSER_SAYS = 64 * 1024  # bytes: browsers send small commands, and nothing else, over a WebSocket
_ABORT = "sockpanel.abort"

logger = logging.getLogger(__name__)


@implementer(IPushProducer)
class Brake:
    """Closed while a transport holds more than Twisted's 64 KiB, until it has handed all of it to the kernel."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    def pauseProducing(self) -> None:
        self._open.clear()

    def resumeProducing(self) -> None:
        self._open.set()

    stopProducing = resumeProducing  # the connection is gone: nothing to wait for

    async def wait(self) -> bool:
        """False when the transport has not emptied in time."""
        try:
            await asyncio.wait_for(self._open.wait(), STALLED)
        except TimeoutError:
            return False
        return True


class PoliteServer(Server):
    """daphne's server with back pressure and a graceful end."""

    def __init__(self, application: Callable[..., Awaitable[None]], **options: Any) -> None:
        small = {"websocket_max_message_size": BROWSER_SAYS, "websocket_max_frame_size": BROWSER_SAYS}
        super().__init__(self._watched, **{**options, **small, "server_name": ""})
        self._application = application
        self._ports: list[Any] = []

    async def _watched(self, scope: Any, receive: Any, send: Any) -> None:
        """Run the application. A response that breaks off halfway is cut, where daphne would try to begin another one."""
        started = False

        async def noting(message: Any) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._application(scope, receive, noting)
        except Exception:
            if not started:
                raise
            logger.exception("A response broke off.")
            await send({"type": _ABORT})

    # Back pressure

    async def handle_reply(self, protocol: Any, message: Any) -> None:
        details = self.connections.get(protocol)
        if details is None or details.get("disconnected"):
            return
        kind = message["type"]
        is_last = kind == "http.response.body" and not message.get("more_body")
        if kind == _ABORT:
            protocol.transport.abortConnection()
            return
        if kind == "http.response.start":
            protocol.registerProducer(details.setdefault("brake", Brake()), True)
        elif is_last:
            protocol.unregisterProducer()
        if kind == "websocket.send":
            protocol.maxMessagePayloadSize = 0  # autobahn holds us to what browsers may say
        await super().handle_reply(protocol, message)
        if kind == "websocket.send":
            protocol.maxMessagePayloadSize = BROWSER_SAYS
        if kind == "websocket.accept":
            protocol.closeHandshakeTimeout = (
                CLOSE_WITHIN  # autobahn's one second would cut off what a slow browser has yet to read
            )
            protocol.transport.unregisterProducer()  # the HTTP channel's
            protocol.transport.registerProducer(details.setdefault("brake", Brake()), True)
        elif kind in ("http.response.body", "websocket.send") and not is_last and not await details["brake"].wait():
            protocol.transport.abortConnection()

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
    """Serves on a socket that listens already; with TLS when `tls` is the paths of certificate and key."""

    def __init__(
        self,
        application: Callable[..., Awaitable[None]],
        listening: socket.socket,
        tls: tuple[str, str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(application, endpoints=["our own"], ready_callable=self._adopt, **options)
        self.endpoints: list[str] = []  # nothing for daphne to open
        self._listening, self._tls = listening, tls

    def _adopt(self) -> None:
        self._listening.setblocking(False)
        factory = self.http_factory if self._tls is None else _with_tls(self.http_factory, *self._tls)
        port = reactor.adoptStreamPort(self._listening.fileno(), self._listening.family, factory)
        self._listening.close()  # Twisted has a descriptor of its own
        self.listen_success(port)


def _with_tls(factory: Any, certificate: str, key: str) -> Any:
    """The factory behind TLS 1.2 or newer."""
    from OpenSSL import SSL  # only with TLS: a panel without it saves their memory
    from twisted.internet.ssl import ContextFactory
    from twisted.protocols.tls import TLSMemoryBIOFactory

    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.use_certificate_chain_file(certificate)
    context.use_privatekey_file(key)
    contexts = ContextFactory()
    contexts.getContext = lambda: context
    return TLSMemoryBIOFactory(contexts, False, factory)
