"""Which Host and Origin headers are the panel's own: exact texts, port and all. It knows no request.

own = OwnOrigins("127.0.0.1", 8000, tls=False, others=["https://panel.example.org"])
own.is_host("localhost:8000"), own.is_origin("http://localhost:8000")
"""

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable

import psutil

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
LOOK_AGAIN_AFTER = 10.0  # seconds: a machine may get a new address while we run


class OwnOrigins:
    """What the panel is called: derived from the address it is bound to, and from the origins that were named."""

    def __init__(
        self,
        address: str,
        port: int,
        *,
        tls: bool,
        others: Iterable[str] = (),
        names: Callable[[], Iterable[str]] | None = None,
    ) -> None:
        self._scheme, self._port = ("https" if tls else "http"), port
        self._names = names or (lambda: machine_names(address))
        self._others = frozenset(others)
        self._look()

    def is_host(self, header: str) -> bool:
        """Whether a Host header names the panel."""
        return header.lower() in self._hosts or (self._stale() and header.lower() in self._hosts)

    def is_origin(self, header: str) -> bool:
        """Whether an Origin header is a page of the panel. Browsers write origins in one way only, so texts are compared."""
        return header in self._origins or (self._stale() and header in self._origins)

    def _stale(self) -> bool:
        """Look again when the last look is old; whether it was."""
        if time.monotonic() - self._looked_at < LOOK_AGAIN_AFTER:
            return False
        self._look()
        return True

    def _look(self) -> None:
        self._looked_at = time.monotonic()
        self._origins = self._others | {origin(self._scheme, name, self._port) for name in self._names()}
        self._hosts = frozenset(host for known in self._origins for host in _hosts(known))


def origin(scheme: str, name: str, port: int) -> str:
    """The origin as a browser writes it: without the scheme's own port."""
    return f"{scheme}://{name}" if port == _default_port(scheme) else f"{scheme}://{name}:{port}"


def _hosts(known: str) -> list[str]:
    """The Host headers that go with an origin: with and without the port where it is the scheme's own."""
    scheme, _, host = known.partition("://")
    has_port = host.rpartition(":")[2].isdigit()
    return [host] if has_port else [host, f"{host}:{_default_port(scheme)}"]


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def machine_names(address: str) -> list[str]:
    """What a panel that is bound to `address` is called in a browser's address line."""
    bound = ipaddress.ip_address(address)
    if bound.is_unspecified:
        return [*LOOPBACK, *_hostnames(), *map(in_url, interface_addresses())]
    return [*LOOPBACK, in_url(address)] if bound.is_loopback else [in_url(address)]


def interface_addresses() -> list[str]:
    """The addresses of this machine that others can reach: neither loopback nor link-local IPv6 (a URL cannot name its zone)."""
    addresses = [
        entry.address for entries in psutil.net_if_addrs().values() for entry in entries if _is_ip(entry.family)
    ]
    return [address for address in addresses if "%" not in address and not ipaddress.ip_address(address).is_loopback]


def _is_ip(family: int) -> bool:
    return family in (socket.AF_INET, socket.AF_INET6)


def _hostnames() -> list[str]:
    name = socket.gethostname().lower()
    return [name, name.partition(".")[0]]


def in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address
