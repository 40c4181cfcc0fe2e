"""One exchange over UDP or UNIX datagrams: a datagram out, those that come back."""

import asyncio
import socket

from services.client.addresses import Address, address_text
from services.client.collector import Collector
from services.client.request import Ended, Exchange, Request

_IP_RECVERR, _IPV6_RECVERR = (
    11,
    25,
)  # ip(7), ipv6(7): tells an unconnected socket that nobody listens; not in Python's socket
_LONGEST = 65_536


async def converse(request: Request, address: Address) -> Exchange:
    """Send one datagram and collect the answers. Raises OSError."""
    loop = asyncio.get_running_loop()
    with _open(request, address) as sock:
        collector = Collector(request, request.expect)
        await loop.sock_sendto(sock, request.data, address.sockaddr)
        ended: Ended = "answered"
        while not collector.enough:
            try:
                async with asyncio.timeout_at(collector.deadline):
                    data, sender = await loop.sock_recvfrom(sock, _LONGEST)
            except TimeoutError:
                ended = "timeout"
                break
            collector.add(data, address_text(sender))
        local = address_text(sock.getsockname())
        return collector.finish(ended, peer=address.text, local=local, sent=request.data, of=len(request.data))


def _open(request: Request, address: Address) -> socket.socket:
    """An unconnected socket: an answer from another address than the one asked is worth seeing."""
    sock = socket.socket(address.family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if address.family == socket.AF_UNIX:
            sock.bind("")  # a name of the kernel's choice (unix(7), autobind): nobody can answer a sender without one
            return sock
        _ask_for_errors(sock)
        if request.broadcast:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.bind((_source(request, address), 0))
    except OSError:
        sock.close()
        raise
    return sock


def _ask_for_errors(sock: socket.socket) -> None:
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)


def _source(request: Request, address: Address) -> str:
    """The address that the kernel sends from to this target: connecting a datagram socket asks it, and sends nothing."""
    with socket.socket(address.family, socket.SOCK_DGRAM) as probe:
        if request.broadcast:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        probe.connect(address.sockaddr)
        return str(probe.getsockname()[0])
