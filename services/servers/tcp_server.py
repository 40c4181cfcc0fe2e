"""A stream server, over TCP or a UNIX socket: takes connections, as many as its limits allow, and keeps them."""

import asyncio
import socket
import struct

from services.errors import CertificateRefused, ConnectionUnknown, SendRefused, SockpanelError
from services.servers import addresses, descriptors, networks, notices, replies
from services.servers.connection import Connection, Terms
from services.servers.entrance import Entrance
from services.servers.paced_connection import PacedConnection
from services.servers.replies import Replier
from services.servers.report import Close, Done, Send
from services.servers.reporter import Reporter
from services.servers.server import Past, Server, failed
from services.servers.spec import ServerSpec
from services.servers.stream import Stream
from services.servers.tls.handshakes import Handshakes
from services.servers.tls.shell import Shell
from services.servers.tls_material import TlsMaterial
from services.servers.waiting import STOP, STORE

AT_ONCE = 64  # connections taken before those that are open get their turn
BREATH = 1.0  # seconds without new connections when the system has no more descriptors or memory
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST, and leaves nothing behind


class TcpServer(Server):
    """Accepts with its own hand, so that not one connection more than allowed is taken out of the kernel's backlog."""

    answers_silence = False  # whether a peer that ends its stream without a word has sent an empty message

    def __init__(self, spec: ServerSpec, sock: socket.socket, reporter: Reporter, past: Past) -> None:
        super().__init__(spec, sock, reporter, past)
        self._terms = Terms(spec, self.replier(), reporter, self._gone)
        self._terms.answers_silence = self.answers_silence
        self._connections: dict[int, Stream] = {}
        self._adopting: set[asyncio.Task[None]] = set()
        self._most = min(spec.limits.connections, descriptors.for_connections())
        self._entrance = Entrance(spec.limits, reporter, self._loop)
        self._handshakes = Handshakes(spec, reporter, self._loop, self._admit) if spec.speaks_tls else None
        self._serves = self._accepts = False
        self._left = asyncio.Event()  # set when a connection has ended

    def replier(self) -> Replier:
        """What answers the messages of this kind of server."""
        return replies.replier(self._spec.reply)

    async def start(self) -> None:
        """Raises OSError."""
        if self._handshakes is not None and not self._handshakes.is_certified:
            raise OSError("it was given no certificate")
        self._serves = True
        self._admit()

    def certify(self, material: TlsMaterial) -> None:
        if self._handshakes is None:
            return
        try:
            self._handshakes.certify(material)
        except CertificateRefused as error:
            if not self._serves:
                raise
            notices.tell(error.message)
            self._reporter.incident("tls", "", f"the old certificate goes on: {error.message}")

    async def stop(self, within: float) -> None:
        self._serves = False
        self._shut()
        self._socket.close()
        if self._handshakes is not None:
            self._handshakes.end_all("the server stopped")
        try:
            async with asyncio.timeout(within):
                if self._terms.after_commit:
                    await self._last_answers()
                await self._part()
        except TimeoutError:
            for connection in list(self._connections.values()):
                connection.abort("the server stopped")
            await self._part()

    async def _last_answers(self) -> None:
        """Read nothing more, and wait for the store: what was asked before is answered."""
        for connection in self._connections.values():
            connection.wait(STOP)
        await self._reporter.settled()

    async def _part(self) -> None:
        """Close every connection and wait until they are."""
        for connection in list(self._connections.values()):
            connection.close("the server stopped")
        while self._connections:
            self._left.clear()
            await self._left.wait()

    # Accepting

    def _admit(self) -> None:
        """Accept, unless something stands in the way."""
        free = len(self._connections) < self._most and not self._reporter.is_held
        free = free and (self._handshakes is None or not self._handshakes.is_full)
        if self._serves and free and not self._accepts:
            self._accepts = True
            self._loop.add_reader(self._socket, self._acceptable)

    def _shut(self) -> None:
        """Leave whoever comes in the kernel's backlog."""
        if self._accepts:
            self._accepts = False
            self._loop.remove_reader(self._socket)

    def _acceptable(self) -> None:
        for _ in range(AT_ONCE):
            if len(self._connections) >= self._most:
                self._fill()
                return
            if self._handshakes is not None and self._handshakes.is_full:
                self._shut()  # until one has ended
                return
            try:
                sock, address = self._socket.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue  # gone again
            except OSError as error:
                self._catch_breath(error)
                return
            if self._entrance.refuses(networks.host(address)):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                sock.close()
            else:
                self._take(sock, address)

    def _fill(self) -> None:
        """Further ones wait in the kernel's backlog until somebody leaves."""
        self._shut()
        self._reporter.incident("full", "", f"{self._most:,} connections are open: further ones wait")

    def _catch_breath(self, error: OSError) -> None:
        """The system is short of something (ENFILE, ENOMEM): asking again at once would only burn the processor."""
        self._reporter.incident("full", "", f"new connections wait: {error.strerror}")
        self._shut()
        self._loop.call_later(BREATH, self._admit)

    def _take(self, sock: socket.socket, address: addresses.Raw) -> None:
        number = self._past.number()
        peer = f"unix#{number}" if self._spec.is_unix else addresses.name(address)
        connection = self._connections[number] = self._connection(number, peer)
        connection.host = networks.host(address)
        connection.source = self._entrance.enter(connection.host)
        task = self._loop.create_task(self._adopt(sock, connection), name=f"adopt connection {number}")
        self._adopting.add(task)
        task.add_done_callback(self._adopting.discard)

    def _connection(self, number: int, peer: str) -> Stream:
        kind = PacedConnection if self._spec.limits.messages_per_second else Connection
        return kind(self._terms, number, peer)

    async def _adopt(self, sock: socket.socket, connection: Stream) -> None:
        protocol = connection if self._handshakes is None else self._handshakes.around(connection)
        try:
            await self._loop.connect_accepted_socket(lambda: protocol, sock)
        except OSError as error:
            notices.tell(f"A connection from {connection.peer} could not be taken: {error.strerror}.")
            sock.close()
            if isinstance(protocol, Shell):
                protocol.fail("it could not be taken", is_fault=False)
            self._gone(connection)

    def _gone(self, connection: Stream) -> None:
        if self._connections.pop(connection.number, None) is not None:
            self._entrance.leave(connection.source)
        self._left.set()
        self._admit()

    # The store

    def hold(self) -> None:
        self._shut()
        for connection in self._connections.values():
            connection.wait(STORE)

    def release(self) -> None:
        for connection in list(self._connections.values()):
            if self._reporter.is_held:
                return  # what they had in hand has filled the window again
            connection.go_on(STORE)
        self._admit()

    # Orders

    def send(self, order: Send) -> Done:
        targets = self._targets(order)
        if not targets and order.connection is not None:
            return failed(order.action, self._unknown(order.connection))
        if not targets and order.peer is not None:
            return failed(order.action, ConnectionUnknown(f"{order.peer} is not connected: choose one that is."))
        reached, problem = 0, SockpanelError("")
        if not targets:
            problem = SendRefused("Nobody is connected: wait until a client is.")
        for connection in targets:
            try:
                connection.send(order.data, order.sent_by)
                reached += 1
            except SockpanelError as error:
                problem = error
        return Done(order.action, reached) if reached else failed(order.action, problem)

    def _targets(self, order: Send) -> list[Stream]:
        if order.connection is not None:
            found = self._connections.get(order.connection)
            return [found] if found else []
        return [each for each in self._connections.values() if order.peer in (None, each.peer)]

    def close(self, order: Close) -> Done:
        connection = self._connections.get(order.connection)
        if connection is None:
            return failed(order.action, self._unknown(order.connection))
        connection.close("closed from the panel")
        return Done(order.action, 1)

    def _unknown(self, number: int) -> ConnectionUnknown:
        return ConnectionUnknown(f"No connection {number} is open: it may have ended, choose another one.")
