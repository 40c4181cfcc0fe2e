"""Which networks an address belongs to. It opens no socket and counts nothing.

access = Access(Limits(deny=("10.0.0.0/8",), trusted=("192.0.2.0/24",)))
access.lets_in("10.1.2.3")            # False
access.is_exempt("127.0.0.1")         # True: no limit of sources on loopback
source(host(("::ffff:10.1.2.3", 5000, 0, 0)))   # "10.1.2.3"
"""

import ipaddress
import socket

from services.servers.addresses import MAPPED, Raw
from services.servers.spec import Limits

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAPPED_BITS = 96  # in front of the IPv4 address in an IPv4-mapped one
_SITE_BITS = 64  # of an IPv6 address: whoever has one such network has all its addresses


def _plain(network: Network) -> Network:
    """A network of IPv4-mapped addresses as IPv4, every other one as it is."""
    first = network.network_address
    if isinstance(first, ipaddress.IPv4Address) or network.prefixlen < _MAPPED_BITS or first.ipv4_mapped is None:
        return network
    return ipaddress.IPv4Network((first.ipv4_mapped, network.prefixlen - _MAPPED_BITS))


class Networks:
    """Networks in CIDR, asked whether an address is in one of them: a look-up for each prefix length, however many they are.

    A network of IPv4-mapped addresses (::ffff:10.0.0.0/104) is the one of the IPv4 addresses, as `host` writes them.
    """

    def __init__(self, networks: tuple[str, ...]) -> None:
        lengths: dict[tuple[int, int], set[int]] = {}  # bytes of the address, bits behind the prefix -> prefixes
        for text in networks:
            network = _plain(ipaddress.ip_network(text))
            size, behind = network.max_prefixlen // 8, network.max_prefixlen - network.prefixlen
            lengths.setdefault((size, behind), set()).add(int(network.network_address) >> behind)
        self._lengths = tuple((size, behind, frozenset(prefixes)) for (size, behind), prefixes in lengths.items())

    def __bool__(self) -> bool:
        return bool(self._lengths)

    def __contains__(self, host: str) -> bool:
        packed = _packed(host)
        number = int.from_bytes(packed, "big")
        return any(size == len(packed) and number >> behind in prefixes for size, behind, prefixes in self._lengths)


_LOOPBACK = Networks(("127.0.0.0/8", "::1"))
_PRIVATE = Networks(("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10"))
_EVERYBODY = Networks(("0.0.0.0/32", "255.255.255.255", "224.0.0.0/4", "::", "ff00::/8"))


class Access:
    """What the limits of a server say about networks. Hosts are written as `host` gives them."""

    def __init__(self, limits: Limits) -> None:
        self._allow = Networks(limits.allow)
        self._deny = Networks(limits.deny)
        self._trusted = Networks(limits.trusted)
        self.is_open = not (self._allow or self._deny)  # everybody is let in

    def lets_in(self, host: str) -> bool:
        """Whether its network is allowed; whoever has no address (a UNIX socket) is."""
        if not host:
            return True
        return host not in self._deny and (not self._allow or host in self._allow)

    def is_exempt(self, host: str) -> bool:
        """From the limits of sources."""
        return not host or host in _LOOPBACK or host in self._trusted

    def is_near(self, host: str) -> bool:
        """On this machine, this link, a private network, or trusted: nobody out there can be flooded through it."""
        return self.is_exempt(host) or host in _PRIVATE


def host(address: Raw) -> str:
    """The IPv4 or IPv6 address alone, an IPv4-mapped one as IPv4, without its scope; empty for UNIX addresses."""
    if not isinstance(address, tuple):
        return ""
    text = address[0].partition("%")[0]
    return text.removeprefix(MAPPED) if "." in text else text


def source(host: str) -> str:
    """Whom the limits of sources are about: an IPv4 address, or the /64 of an IPv6 one."""
    if ":" not in host:
        return host
    behind = 128 - _SITE_BITS
    site = int.from_bytes(_packed(host), "big") >> behind << behind
    return f"{ipaddress.IPv6Address(site)}/{_SITE_BITS}"


def is_everybody(host: str) -> bool:
    """Whether it names no single machine: a multicast group, the broadcast address of every network, or none at all."""
    return host in _EVERYBODY


def _packed(host: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
