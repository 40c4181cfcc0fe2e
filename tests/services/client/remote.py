"""A remote-command server that runs nothing: it answers as a test tells it to, over real sockets."""

import asyncio
import contextlib
import datetime
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.errors import SockpanelError
from services.servers.commands import handshake
from services.servers.commands.handshake import Refused
from services.servers.commands.server_side import ServerSide
from services.servers.commands.wire import Cancel, Exit, Run
from tests.services.servers.commands.sides import IDENTITY, Judge, welcome

Answer = Callable[["Seat", Run], Any]


def echo(seat: "Seat", run: Run) -> None:
    """Writes its words to stdout and ends."""
    text = " ".join(run.argv or (run.shell or "",)).encode()
    seat.send(seat.side.started(run.number) + seat.side.output(run.number, 1, text))
    seat.send(seat.side.exit(run.number, Exit(code=0, stdout=len(text))))


def lasting(seat: "Seat", run: Run) -> None:
    """Starts and goes on until it is cancelled."""
    seat.send(seat.side.started(run.number))


class Seat(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, remote: "Remote") -> None:
        self._remote = remote
        self.free = asyncio.Event()  # the client has read what was sent, or nearly
        self.free.set()
        self.sent = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        binding = handshake.certificate_binding(self._remote.certificate)
        self.side = ServerSide(self._remote.identity, self._remote.judge, "127.0.0.1:1", binding, welcome)
        self.send(self._remote.greeting or self.side.greet())

    def send(self, data: bytes) -> None:
        self.sent += len(data)
        self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        try:
            for asked in self.side.receive(data):
                self.send(self.side.take())
                self._answer(asked)
            self.send(self.side.take())
        except Refused as refused:
            self._remote.refused.append(refused.reason)
            self.send(self.side.refusal())
            self.transport.close()
        except SockpanelError as error:
            self._remote.refused.append(error.message)
            self.transport.close()

    def _answer(self, asked: Run | Cancel) -> None:
        self._remote.asked.append(asked)
        if isinstance(asked, Cancel):
            self.send(self.side.exit(asked.number, Exit(signal=9, why="it was cancelled")))
        else:
            self._remote.answer(self, asked)

    def pause_writing(self) -> None:
        self.free.clear()

    def resume_writing(self) -> None:
        self.free.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._remote.seats.discard(self)


class Remote:
    """The server."""

    def __init__(self, answer: Answer, greeting: bytes, identity: bytes, judge: Judge) -> None:
        self.answer = answer
        self.greeting = greeting
        self.identity = identity
        self.judge = judge
        self.certificate: bytes | None = None
        self.seats: set[Seat] = set()
        self.asked: list[Run | Cancel] = []
        self.refused: list[str] = []

    def seat(self) -> Seat:
        seat = Seat(self)
        self.seats.add(seat)
        return seat


@contextlib.asynccontextmanager
async def remote(
    answer: Answer = echo,
    *,
    host: str = "127.0.0.1",
    tls: Path | None = None,
    greeting: bytes = b"",
    judge: Judge | None = None,
) -> AsyncIterator[tuple[Remote, int]]:
    """The server and its port, while the block lasts. `tls` is a directory for its certificate."""
    it = Remote(answer, greeting, IDENTITY, judge or Judge())
    context = None
    if tls:
        it.certificate, context = certificate(tls)
    server = await asyncio.get_running_loop().create_server(it.seat, host, 0, ssl=context)
    try:
        yield it, int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for seat in list(it.seats):
            seat.transport.abort()


def certificate(directory: Path) -> tuple[bytes, ssl.SSLContext]:
    """A certificate that nobody vouches for, and the server's side of TLS with it."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lab")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(private, SHA256())
    )
    path = directory / "certificate.pem"
    key = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(key + made.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(path)
    return made.public_bytes(Encoding.DER), context
