"""Whom a remote-command server lets in: the keys of its Briefing, and why one of them may not come in just now. No cryptography here.

judge = Judge(briefing.keys)
judge.objection(judge.find(public), "10.9.8.7:5000")  # "" or "the key lab is revoked"
"""

import ipaddress
from collections.abc import Callable, Iterable
from itertools import chain

from services.servers import clock
from services.servers.report import Key

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Judge:
    """Knows all keys, revoked and expired ones too."""

    def __init__(self, keys: Iterable[Key] = (), now: Callable[[], int] = clock.now) -> None:
        self._keys = {key.public: key for key in keys}
        self._now = now
        texts = set(chain.from_iterable(key.sources for key in self._keys.values()))
        self._networks = {text: _network(text) for text in texts}  # parsed once: no key takes longer than another

    def find(self, public: bytes) -> Key | None:
        """The key with this public half."""
        return self._keys.get(public)

    def objection(self, key: Key, source: str) -> str:
        """Why `key` may not come in from `source` (`ip:port`) just now, for an admin; empty when it may."""
        if key.revoked:
            return f"the key {key.name} is revoked"
        if self.is_expired(key):
            return f"the key {key.name} has expired"
        if key.sources and not self._is_for(key, source):
            return f"used from {host(source)}, which the key {key.name} is not for"
        return ""

    def is_expired(self, key: Key) -> bool:
        """Whether its time is over."""
        return key.expires_at is not None and key.expires_at <= self._now()

    def seconds_left(self, key: Key) -> float | None:
        """Until it expires; None: never."""
        return None if key.expires_at is None else max(0.0, (key.expires_at - self._now()) / 1_000_000)

    def _is_for(self, key: Key, source: str) -> bool:
        address = address_of(source)
        networks = (self._networks.get(text) for text in key.sources)
        return address is not None and any(network is not None and address in network for network in networks)


NOWHERE = ipaddress.IPv4Address(0)


def host(source: str) -> str:
    """`10.9.8.7:5000` -> `10.9.8.7`; `[fe80::1%eth0]:5000` -> `fe80::1%eth0`."""
    return source.rpartition(":")[0].removeprefix("[").removesuffix("]") or source


def address_of(source: str) -> Address | None:
    """The address in `ip:port`, without its scope, an IPv4 address in its own shape; None when there is none."""
    try:
        address = ipaddress.ip_address(host(source).partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _network(text: str) -> Network | None:
    """None for a text that is no network: it lets nobody in."""
    try:
        return _plain(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return None


def _plain(network: Network) -> Network:
    """`::ffff:10.0.0.0/104` is 10.0.0.0/8."""
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < 96:
        return network
    return ipaddress.ip_network((mapped, network.prefixlen - 96))
