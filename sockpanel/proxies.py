"""What a trusted reverse proxy says about a request: the client's real address, the scheme and the host it was asked for.

Only the X-Forwarded headers of peers in SOCKPANEL_PROXIES count, and of X-Forwarded-For only what such a proxy itself has added: the
rightmost entry that is no trusted proxy. Everything left of it was written by the client.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Scope = dict[str, Any]

_HERE = ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")  # both are localhost


class Proxies:
    """Reads X-Forwarded headers of the proxies in `trusted`."""

    def __init__(self, trusted: Iterable[Network] = ()) -> None:
        self._trusted = tuple(trusted)
        if any(self._trusts(each) for each in _HERE):  # a proxy on this machine may come by either
            self._trusted += tuple(map(ipaddress.ip_network, _HERE))

    def read(self, scope: Scope) -> Scope:
        """The scope as it was before the proxies; IPv4 clients of a dual-stack socket appear as plain IPv4."""
        peer = _address((scope.get("client") or [""])[0])
        if peer is None:
            return scope
        said = _forwarded(scope) if self._trusts(peer) else {}
        client = self._client(peer, said.get(b"x-forwarded-for", ""))
        port = scope["client"][1] if client == peer else 0
        scope = {**scope, "client": [str(client), port]}
        if said.get(b"x-forwarded-proto") in ("http", "https"):
            scope["scheme"] = said[b"x-forwarded-proto"]
        if host := said.get(b"x-forwarded-host"):
            others = [header for header in scope["headers"] if header[0] != b"host"]
            scope["headers"] = [*others, (b"host", host.encode("latin-1"))]
        return scope

    def _client(self, peer: Address, forwarded_for: str) -> Address:
        for entry in reversed(forwarded_for.split(",")):
            address = _address(entry.strip())
            if not self._trusts(peer) or address is None:
                break
            peer = address
        return peer

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _forwarded(scope: Scope) -> Mapping[bytes, str]:
    """Each X-Forwarded header once: lists joined, of others the value that the nearest proxy wrote."""
    found: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        if name.startswith(b"x-forwarded-"):
            found[name] = f"{found[name]},{value.decode('latin-1')}" if name in found else value.decode("latin-1")
    return {
        name: value if name.endswith(b"-for") else value.rpartition(",")[2].strip() for name, value in found.items()
    }
