"""The client's side of TLS over a socket of ours: whom it believes, the handshake, bytes out and in. It opens no socket.

wire = await secured(sock, request, where)   # or Plain(sock)
await wire.send(b"abc")
wire.met   # Met(version="TLS 1.3", ...)
"""

import asyncio
import contextlib
import hashlib
import socket
import ssl

from cryptography import x509

from services.client.request import Met, Request, Trust
from services.errors import ExchangeNotSecured, RequestRefused
from services.servers.clock import rfc3339
from services.servers.tls.agreement import version, visible
from services.servers.tls.context import load, reason

_READ = 64 * 1024
_NO_TLS = frozenset(
    {
        "WRONG_VERSION_NUMBER",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_LAYER_FAILURE",
        "HTTP_REQUEST",
        "UNEXPECTED_EOF_WHILE_READING",
    }
)
_SHOW = frozenset({"TLSV13_ALERT_CERTIFICATE_REQUIRED", "PEER_DID_NOT_RETURN_A_CERTIFICATE"})
_OTHER_NAMES = frozenset({62, 64})  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH


class Plain:
    """A stream without TLS."""

    met: Met | None = None

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()

    async def receive(self, size: int) -> bytes:
        return await self._loop.sock_recv(self._sock, size)

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._sock, data)

    async def finish(self) -> None:
        """Say that nothing more will come from us."""
        self._sock.shutdown(socket.SHUT_WR)


class Secured(Plain):
    """A stream inside TLS; sending and receiving may go on at the same time."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, name: str) -> None:
        super().__init__(sock)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._side = context.wrap_bio(self._in, self._out, server_hostname=name)
        self._sending = asyncio.Lock()

    async def shake_hands(self) -> None:
        """Raises OSError, of which ssl.SSLError is one."""
        while not self._is_shaken():
            await self._flush()
            await self._more()
        await self._flush()
        self.met = _met(self._side)

    def _is_shaken(self) -> bool:
        try:
            self._side.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError:
            with contextlib.suppress(OSError):  # the alert that says why, if the server takes it
                self._sock.send(self._out.read())
            raise
        return True

    async def receive(self, size: int) -> bytes:
        while True:
            try:
                return self._side.read(size)
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLWantReadError:
                if not self._sending.locked():  # else `send` is at it, and may wait for what is read here
                    await self._flush()
                if not await self._more():
                    return b""

    async def send(self, data: bytes) -> None:
        self._side.write(data)
        await self._flush()

    async def finish(self) -> None:
        with contextlib.suppress(ssl.SSLError):  # it wants to hear the same from the server first
            self._side.unwrap()
        await self._flush()

    async def _more(self) -> bool:
        data = await self._loop.sock_recv(self._sock, _READ)
        if data:
            self._in.write(data)
        elif self.met is None:
            raise ssl.SSLEOFError(8, "it left in the midst of the handshake")
        return bool(data)

    async def _flush(self) -> None:
        async with self._sending:
            while self._out.pending:
                await self._loop.sock_sendall(self._sock, self._out.read())


async def secured(sock: socket.socket, request: Request, where: str) -> Plain:
    """TLS with the server that `sock` is connected to. Raises ExchangeNotSecured, RequestRefused, or OSError."""
    assert request.tls is not None  # noqa: S101 - else nobody asks
    name = request.tls.name or request.host.partition("%")[0]
    try:
        wire = Secured(sock, client_context(request.tls, request.identity), name)
    except ValueError as error:
        raise RequestRefused(f"{name[:64]!r} is no name of a server.", field="tls.name") from error
    try:
        await wire.shake_hands()
    except ssl.SSLError as error:
        raise failure(error, where) from error
    return wire


def client_context(trust: Trust, identity: str = "") -> ssl.SSLContext:
    """Believes the system's authorities and those of `trust`. Raises RequestRefused for what is no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if trust.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_default_certs()
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a server's own certificate may be given
    try:
        if trust.ca:
            context.load_verify_locations(cadata=trust.ca)
    except (ssl.SSLError, ValueError) as error:
        raise RequestRefused(f"This is no certificate in PEM ({reason(error)}).", field="tls.ca") from error
    try:
        if identity:
            load(context, identity.encode())
    except (ssl.SSLError, ValueError) as error:
        raise RequestRefused(
            f"This is no certificate with its key, unlocked and in PEM ({reason(error)}).", field="tls.identity"
        ) from error
    return context


def failure(error: ssl.SSLError, where: str) -> ExchangeNotSecured:
    """What is told of a handshake, or of TLS, that failed."""
    name = getattr(error, "reason", "") or ""
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _OTHER_NAMES:
            return ExchangeNotSecured(
                f"The certificate of {where} is for other names: give the name that it is for.", field="tls.name"
            )
        return ExchangeNotSecured(
            f"The certificate of {where} is not believed ({error.verify_message}): give the authority that signed it.",
            field="tls.ca",
        )
    if name in _NO_TLS or isinstance(error, ssl.SSLEOFError):
        return ExchangeNotSecured(f"{where} does not speak TLS: ask without it, or choose another port.", field="tls")
    if name in _SHOW:
        return ExchangeNotSecured(
            f"{where} requires a client's certificate: use `manage.py client tcp --tls --cert FILE`."
        )
    return ExchangeNotSecured(f"TLS with {where} failed: {reason(error)}.")


def _met(side: ssl.SSLObject) -> Met:
    cipher, der = side.cipher(), side.getpeercert(binary_form=True)
    assert cipher is not None  # noqa: S101 - the handshake is done
    assert der is not None  # noqa: S101 - servers always show one
    shown = x509.load_der_x509_certificate(der)
    return Met(
        version=version(side),
        cipher=cipher[0],
        subject=visible(shown.subject.rfc4514_string()),
        issuer=visible(shown.issuer.rfc4514_string()),
        until=rfc3339(int(shown.not_valid_after_utc.timestamp() * 1_000_000)),
        sha256=hashlib.sha256(der).hexdigest(),
        believed=side.context.verify_mode is ssl.CERT_REQUIRED,
    )
