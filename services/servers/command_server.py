"""A remote-command server: TcpServer's accepting, with a door that keeps strangers short and TLS for whoever comes from elsewhere."""

import asyncio
import socket
import ssl

from services.servers import addresses, notices
from services.servers.commands import certificate, handshake, keys, running
from services.servers.commands.admission import GRACE
from services.servers.commands.house import House
from services.servers.commands.ready_session import ReadySession
from services.servers.commands.session import Session
from services.servers.report import Briefing, Told
from services.servers.reporter import Reporter
from services.servers.server import Past
from services.servers.spec import ServerSpec
from services.servers.stream import Stream
from services.servers.tcp_server import TcpServer
from services.servers.waiting import RECORD, STOP

TELL_EVERY = 10.0  # seconds between two notices of connections that were turned away
STOPPED = "the server stopped"
_KEEPALIVE = {socket.TCP_KEEPIDLE: 30, socket.TCP_KEEPINTVL: 10, socket.TCP_KEEPCNT: 3}  # whoever is gone is missed


class CommandServer(TcpServer):
    """Runs commands for whoever holds a key, or, in the dialect `ready`, for this machine."""

    def __init__(self, spec: ServerSpec, sock: socket.socket, reporter: Reporter, past: Past) -> None:
        super().__init__(spec, sock, reporter, past)
        self._house = House(spec, reporter, self._gone, self._tell)
        self._house.desk.room = self._room
        self._tls: tuple[ssl.SSLContext, bytes] | None = None  # and what binds a session to it
        self._shaking_hands: set[asyncio.Task[None]] = set()  # TLS takes its time
        self._turned_away = 0
        self._is_quiet = False  # it was told not long ago that some were turned away

    @property
    def is_ready(self) -> bool:
        """Whether it speaks the dialect `ready`."""
        return self._house.options.dialect == "ready"

    async def start(self) -> None:
        """Raises OSError."""
        if not self.is_ready:
            if not self._house.identity:
                raise OSError("it was given no key of its own")
            if not _is_loopback(self._socket):
                context, der = certificate.make()
                self._tls = context, handshake.certificate_binding(der)
        running.adopt_orphans()
        if not running.landlock_abi():
            notices.tell("This kernel has no Landlock: commands may write wherever their user may.")
        await super().start()

    async def stop(self, within: float) -> None:
        until = self._loop.time() + within
        self._serves = False
        self._shut()
        for task in self._shaking_hands:
            task.cancel()
        for connection in self._connections.values():
            connection.wait(STOP)
        try:
            async with asyncio.timeout_at(until):
                await self._house.desk.end_all(STOPPED)
        except TimeoutError:
            pass  # whatever is left ends with this process
        await super().stop(max(0.0, until - self._loop.time()))

    def brief(self, briefing: Briefing) -> None:
        self._house.brief(briefing)
        for connection in list(self._connections.values()):
            if isinstance(connection, Session):
                connection.judge_again()

    def recorded(self, ask: int) -> None:
        self._house.desk.recorded(ask)

    def _tell(self, told: Told) -> None:
        self.tell(told)

    def _room(self) -> None:
        for connection in list(self._connections.values()):
            connection.go_on(RECORD)

    # The door

    def _take(self, sock: socket.socket, address: addresses.Raw) -> None:
        peer = addresses.name(address)
        refusal = "" if self.is_ready else self._house.admission.refusal(keys.address_of(peer) or keys.NOWHERE)
        if refusal:
            sock.close()
            self._turn_away(f"{keys.host(peer)} {refusal}")
        else:
            _watch_over(sock)
            super()._take(sock, address)

    def _turn_away(self, why: str) -> None:
        """Counted, and told once in a while: a row for each would be what an attacker wants."""
        self._reporter.dropped("refused")
        self._turned_away += 1
        if not self._is_quiet:
            self._is_quiet = True
            notices.tell(f"Connections turned away: {self._turned_away}. The last: {why}.")
            self._turned_away = 0
            self._loop.call_later(TELL_EVERY, self._speak)

    def _speak(self) -> None:
        self._is_quiet = False

    def _connection(self, number: int, peer: str) -> Stream:
        return ReadySession(self._house, number, peer) if self.is_ready else Session(self._house, number, peer)

    async def _adopt(self, sock: socket.socket, connection: Stream) -> None:
        if self._tls is None or _is_loopback(sock) or not isinstance(connection, Session):
            await super()._adopt(sock, connection)
            return
        context, connection.binding = self._tls
        try:
            await self._shake_hands(sock, connection, context)
        except OSError as error:
            sock.close()
            connection.never_made(f"no TLS 1.3: {getattr(error, 'reason', None) or error.strerror or error}")
        except asyncio.CancelledError:
            sock.close()
            connection.never_made(STOPPED)

    async def _shake_hands(self, sock: socket.socket, session: Session, context: ssl.SSLContext) -> None:
        """Raises OSError."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        self._shaking_hands.add(task)
        try:
            await self._loop.connect_accepted_socket(
                lambda: session, sock, ssl=context, ssl_handshake_timeout=GRACE, ssl_shutdown_timeout=1.0
            )
        finally:
            self._shaking_hands.discard(task)


def _watch_over(sock: socket.socket) -> None:
    """A client whose machine is gone must not keep its commands running."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _KEEPALIVE.items():
        sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _is_loopback(sock: socket.socket) -> bool:
    """Whether only this machine reaches the address at our end."""
    address = keys.address_of(addresses.name(sock.getsockname()))
    return address is not None and address.is_loopback
