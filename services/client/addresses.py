"""A request's host and port -> the addresses to try, in order."""

import asyncio
import socket
from typing import Any, cast

import msgspec

from services.client.request import Request
from services.errors import ExchangeTimedOut, TargetNameUnknown
from services.servers.spec import STREAMS, UNIX, join_address

SocketAddress = tuple[str, int] | tuple[str, int, int, int] | str


class Address(msgspec.Struct, frozen=True):
    """One address of a target."""

    family: int
    sockaddr: SocketAddress

    @property
    def text(self) -> str:
        return address_text(self.sockaddr)


async def resolve(request: Request) -> list[Address]:
    """Every address of the target, without doubles. Raises TargetNameUnknown or ExchangeTimedOut."""
    if request.transport in UNIX:
        return [Address(socket.AF_UNIX, request.host)]
    kind = socket.SOCK_STREAM if request.transport in STREAMS else socket.SOCK_DGRAM
    try:
        found = _written(request, kind) or await _found(request, kind)
    except TimeoutError:
        raise ExchangeTimedOut(
            f"No address of {request.host!r} was found within {request.timeout:g} s: check the name, or give an address.",
            field="host",
        ) from None
    except (OSError, UnicodeError):
        raise TargetNameUnknown(
            f"No address is known for {request.host!r}: check the name, or give an address.", field="host"
        ) from None
    return list(dict.fromkeys(Address(family, cast(SocketAddress, sockaddr)) for family, _, _, _, sockaddr in found))


def _written(request: Request, kind: int) -> list[Any]:
    """The address that the host already is: nobody is asked, and nothing is waited for."""
    try:
        return socket.getaddrinfo(request.host, request.port, type=kind, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return []


async def _found(request: Request, kind: int) -> list[Any]:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(request.timeout):
        return list(await loop.getaddrinfo(request.host, request.port, type=kind))


def address_text(sockaddr: object) -> str:
    """`ip:port`, `[ip6]:port`, a path, or `@name` for an abstract UNIX address."""
    if isinstance(sockaddr, tuple):
        return join_address(sockaddr[0], sockaddr[1])
    if isinstance(sockaddr, bytes):
        return "@" + sockaddr[1:].decode("utf-8", "surrogateescape")
    return str(sockaddr or "unnamed")
