"""What the kernel says when an exchange fails -> the error that a person is told."""

import errno
import ssl

from services.client import wires
from services.errors import ExchangeFailed, ExchangeRefused, ExchangeReset, ExchangeTimedOut, ExchangeUnreachable
from services.servers.spec import STREAMS, UNIX, Transport
from services.servers.validation import MAX_DATAGRAM

_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_RESET = (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED)


def failure(error: OSError, transport: Transport, where: str) -> ExchangeFailed:
    """The error for `error` at the target `where`."""
    if isinstance(error, ssl.SSLError):
        return wires.failure(error, where)
    if transport in UNIX and error.errno in (errno.ENOENT, errno.ENOTDIR):
        return ExchangeRefused(f"There is no socket at {where}: start the server, or check the path.")
    if error.errno == errno.ECONNREFUSED:
        return ExchangeRefused(_refused(transport, where))
    if error.errno in _RESET:
        return ExchangeReset(f"{where} reset the connection before anything came back: it may not take what was sent.")
    if error.errno in _UNREACHABLE:
        return ExchangeUnreachable(f"No way leads to {where} ({error.strerror}): check the address and the network.")
    if error.errno == errno.ETIMEDOUT:
        return timed_out(where, None)
    if error.errno == errno.EMSGSIZE:
        return ExchangeFailed(
            f"This is too long for one datagram: it carries up to {MAX_DATAGRAM:,} bytes.", field="data"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return ExchangeFailed(_forbidden(transport, where))
    if error.errno == errno.EPROTOTYPE:
        return ExchangeFailed(
            f"{where} is a UNIX socket of the other kind: use {_other(transport)}.", field="transport"
        )
    return ExchangeFailed(f"The exchange with {where} failed: {error.strerror or error}.")


def timed_out(where: str, seconds: float | None) -> ExchangeTimedOut:
    """Nobody took the connection."""
    within = "in time" if seconds is None else f"within {seconds:g} s"
    return ExchangeTimedOut(
        f"{where} did not take the connection {within}: check the address, or a firewall on the way."
    )


def _refused(transport: Transport, where: str) -> str:
    if transport in UNIX:
        return f"Nothing listens at {where}: start the server, or check the path."
    protocol = "TCP" if transport in STREAMS else "UDP"
    return f"{where} refuses {protocol}: nothing listens there. Start the server, or check the port."


def _forbidden(transport: Transport, where: str) -> str:
    if transport == "udp":
        return f"{where} may be a broadcast address, or a firewall forbids it: send to it with the broadcast client."
    return f"This user may not talk to {where}: check the permissions of the socket, or the firewall."


def _other(transport: Transport) -> str:
    return "unix-dgram" if transport in STREAMS else "unix"
