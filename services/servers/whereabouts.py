"""What the kernel knows of an address: whether it is this machine's own, and whether it leads to everybody. It sends nothing."""

import errno
import socket

from services.servers import networks
from services.servers.addresses import MAPPED

_DISCARD = 9  # any port will do: to connect a datagram socket sends nothing


def is_ours(address: tuple[str, int] | tuple[str, int, int, int]) -> bool:
    """Whether the address, whatever its port, is one of this machine's: only those can be bound."""
    family, where = _plain(address)
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(where(0))
        except OSError:
            return False
    return True


def is_everybody(address: tuple[str, int] | tuple[str, int, int, int]) -> bool:
    """Whether it is a group's or a broadcast address, of all networks or of one that this machine is in."""
    if networks.is_everybody(networks.host(address)):
        return True
    family, where = _plain(address)
    if family == socket.AF_INET6:
        return False  # which knows no broadcast
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(where(_DISCARD))
        except OSError as error:
            return error.errno == errno.EACCES  # what a socket without SO_BROADCAST gets, and nobody else
    return False


def _plain(address: tuple[str, int] | tuple[str, int, int, int]):  # type: ignore[no-untyped-def]
    """The family, and the address with a port; an IPv4-mapped one as IPv4."""
    if "." in address[0]:
        return socket.AF_INET, lambda port: (address[0].removeprefix(MAPPED), port)
    return socket.AF_INET6, lambda port: (address[0], port, 0, address[3] if len(address) == 4 else 0)
