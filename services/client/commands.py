"""The client of remote commands: connect to a server, sign in with a key, run commands, take their output as it comes.

The same code behind the panel's Commands page and API, and `manage.py client command`.

    async with connect(Target("127.0.0.1", 9997, server_key), private) as session:
        async with session.run(argv=["uname", "-s"]) as running:
            async for event in running:  # Started, Output ..., Exit
                ...
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.client import failures, stream
from services.client.addresses import Address, resolve
from services.client.command_session import Event, Running, Session
from services.client.exchange import Guard, try_each
from services.client.request import Request
from services.errors import ExchangeFailed, ExchangeTimedOut
from services.servers.commands.wire import Exit, Offered, Output, Started, Welcome

__all__ = ["Event", "Exit", "Offered", "Output", "Running", "Session", "Started", "Target", "Welcome", "connect"]

WITHIN = 10.0  # seconds to connect and sign in
_KEEPALIVE = (
    (socket.TCP_KEEPIDLE, 30),
    (socket.TCP_KEEPINTVL, 10),
    (socket.TCP_KEEPCNT, 3),
)  # a peer that is gone is missed


class Target(msgspec.Struct, frozen=True):
    """A remote-command server."""

    host: str
    port: int
    server_key: bytes | None = None  # its public key, 32 bytes; None is enough on this machine only
    tls: bool | None = None  # True: TLS also to a loopback address, which leads elsewhere (a forwarded port)


@contextlib.asynccontextmanager
async def connect(
    target: Target, private: Ed25519PrivateKey, *, within: float = WITHIN, guard: Guard | None = None
) -> AsyncIterator[Session]:
    """A session, for the length of a block. `guard` sees every address before it is used, and raises for one that it forbids.

    Raises ExchangeFailed and its kinds, SessionRefused, ServerKeyDiffers, FrameMalformed, or what `guard` raises.
    """
    request = Request(transport="tcp", host=target.host, port=target.port, timeout=within)
    deadline = asyncio.get_running_loop().time() + within
    addresses = await resolve(request)
    if guard:
        await guard(request, addresses)
    sock, address = await try_each(addresses, deadline - asyncio.get_running_loop().time(), _connected)
    try:
        async with asyncio.timeout_at(deadline):
            session = await _session(target, private, sock, address)
    except TimeoutError:
        raise ExchangeTimedOut(
            f"{address.text} did not let us sign in within {within:g} s: it is no remote-command server, or very busy."
        ) from None
    try:
        yield session
    finally:
        await session.close()


async def _connected(address: Address, within: float) -> tuple[socket.socket, Address]:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        await stream.connect(sock, address, within)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
    except OSError as error:
        sock.close()
        raise failures.failure(error, "tcp", address.text) from error
    except BaseException:
        sock.close()
        raise
    return sock, address


async def _session(target: Target, private: Ed25519PrivateKey, sock: socket.socket, address: Address) -> Session:
    """Sign in over a connected socket, which is closed when that fails."""
    try:
        tls = target.tls or not _is_loopback(sock)
    except OSError as error:  # it is gone already
        sock.close()
        raise failures.failure(error, "tcp", address.text) from error
    expected = target.server_key
    if expected is None and tls:
        expected = b""  # far away nobody is trusted unseen: the sign-in stops at the key that it shows
    session = Session(private, expected, address.text)
    try:
        await asyncio.get_running_loop().create_connection(
            lambda: session,
            sock=sock,
            ssl=_tls_context() if tls else None,
            server_hostname="" if tls else None,
            ssl_shutdown_timeout=1.0 if tls else None,
        )
    except OSError as error:
        raise _no_tls(error, address) from error
    try:
        await session.established()
    except BaseException:
        await session.close()
        raise
    return session


def _is_loopback(sock: socket.socket) -> bool:
    """Both sides decide by the same address, the server's own end of the connection."""
    ip = ipaddress.ip_address(sock.getpeername()[0].partition("%")[0])
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


def _tls_context() -> ssl.SSLContext:
    """No authority vouches for the server: the signatures of the sign-in cover its certificate, and its key is known."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _no_tls(error: OSError, address: Address) -> ExchangeFailed:
    if isinstance(error, ssl.SSLError):
        return ExchangeFailed(
            f"{address.text} does not speak TLS 1.3, so it is no remote-command server that may be reached from elsewhere: "
            "check the address and the port."
        )
    return failures.failure(error, "tcp", address.text)
