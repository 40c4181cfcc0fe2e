"""Which Host and Origin headers are the panel's own: exact texts, port and all. It knows no request.

A name is trusted when the panel listens at every address that it may lead to. Else somebody else could, and for a browser he would be
the panel: `localhost` is 127.0.0.1 or ::1, whichever answers.

own = OwnOrigins(["127.0.0.1", "::1"], 8000, tls=False, others=["https://panel.example.org"])
own.is_host("localhost:8000"), own.is_origin("http://localhost:8000")
"""

import ipaddress
import socket
import time
from collections.abc import Callable, Collection, Iterable

import psutil

LOOPBACK = frozenset({"127.0.0.1", "::1"})
EVERYWHERE, EVERY_IPV4 = "::", "0.0.0.0"  # noqa: S104 (nothing is opened here)
LOOK_AGAIN_AFTER = 10.0  # seconds: a machine may get a new address while we run


class OwnOrigins:
    """What the panel is called: derived from the addresses it listens at, and from the origins that were named."""

    def __init__(
        self,
        bound: Collection[str],
        port: int,
        *,
        tls: bool,
        others: Iterable[str] = (),
        names: Callable[[], Iterable[str]] | None = None,
    ) -> None:
        self._scheme, self._port = ("https" if tls else "http"), port
        self._names = names or (lambda: machine_names(bound, tls=tls))
        self._others = frozenset(others)
        self._look()

    def is_host(self, header: str) -> bool:
        """Whether a Host header names the panel."""
        self._look_again()
        return header.lower() in self._hosts

    def is_origin(self, header: str) -> bool:
        """Whether an Origin header is a page of the panel. Browsers write origins in one way only, so texts are compared."""
        self._look_again()
        return header in self._origins

    def _look_again(self) -> None:
        """When the last look is old."""
        if time.monotonic() - self._looked_at >= LOOK_AGAIN_AFTER:
            self._look()

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


def machine_names(bound: Collection[str], *, tls: bool) -> list[str]:
    """What a panel that listens at the addresses `bound` is called in a browser's address line, addresses first."""
    reached = list(dict.fromkeys(each for address in bound for each in _covered(address)))
    names = [in_url(address) for address in reached]
    elsewhere = _machine() - set(reached)
    if LOOPBACK & set(reached) and not LOOPBACK & elsewhere:
        names.append("localhost")
    # The machine's name may lead to IPv6; with TLS nobody else there has the certificate
    if EVERYWHERE in bound or (EVERY_IPV4 in bound and (tls or not elsewhere)):
        names += _hostnames()
    return names


def _covered(address: str) -> list[str]:
    """The addresses where somebody who listens at `address` is found."""
    if address == EVERY_IPV4:
        return ["127.0.0.1", *(each for each in interface_addresses() if ":" not in each)]
    if address == EVERYWHERE:
        return ["127.0.0.1", "::1", *interface_addresses()]
    return [address]


def interface_addresses() -> list[str]:
    """The addresses of this machine that others can reach: neither loopback nor link-local IPv6 (a URL cannot name its zone)."""
    return [each for each in _addresses() if "%" not in each and not ipaddress.ip_address(each).is_loopback]


def _machine() -> set[str]:
    """All addresses that a name of this machine may lead to."""
    return {each for each in _addresses() if each in LOOPBACK or not ipaddress.ip_address(each).is_loopback}


def _addresses() -> list[str]:
    entries = [entry for entries in psutil.net_if_addrs().values() for entry in entries]
    return [entry.address for entry in entries if entry.family in (socket.AF_INET, socket.AF_INET6)]


def _hostnames() -> list[str]:
    name = socket.gethostname().lower()
    return [name, name.partition(".")[0]]


def in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address
