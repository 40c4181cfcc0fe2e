"""The names that a certificate can be for: host names and addresses, as people write them; and those of this machine."""

import ipaddress
import re
import socket
from collections.abc import Iterable

import psutil

from services.errors import CertificateRefused

MAX_NAMES = 100
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)


def checked(value: object) -> list[str]:
    """Each name once, in its plain form. Raises CertificateRefused."""
    if not isinstance(value, list) or not value or len(value) > MAX_NAMES:
        raise CertificateRefused(
            f"A certificate is for 1 to {MAX_NAMES} names: host names or addresses, such as localhost or 192.0.2.7.",
            field="names",
        )
    return list(dict.fromkeys(_plain(one) for one in value))


def _plain(name: object) -> str:
    text = name.strip().lower().rstrip(".") if isinstance(name, str) else ""
    address = as_address(text)
    if address is not None:
        return str(address)
    try:
        host = text.encode("idna").decode() if not text.isascii() else text
    except UnicodeError:
        host = ""
    last = host.rpartition(".")[2]
    if _HOST.fullmatch(host) and not last.isdigit() and host not in ("*.",):
        return host
    raise CertificateRefused(
        f"{str(name)[:64]!r} is neither a host name nor an address: write such as lab.example.org, *.lab.lan or 192.0.2.7.",
        field="names",
    )


def as_address(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def own() -> list[str]:
    """What this machine is called, the nearest first: localhost, its host name, its addresses."""
    host = socket.gethostname().lower()
    found = ["localhost", *([host] if _HOST.fullmatch(host) and not as_address(host) else []), "127.0.0.1", "::1"]
    return list(dict.fromkeys([*found, *_addresses()]))[:MAX_NAMES]


def _addresses() -> Iterable[str]:
    for cards in psutil.net_if_addrs().values():
        for card in cards:
            address = as_address(card.address.partition("%")[0])
            if address and not address.is_loopback and not address.is_link_local and not address.is_multicast:
                yield str(address)
