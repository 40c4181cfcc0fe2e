"""Whether a configuration lets in more than another: from other machines, beyond its limits, or with weaker TLS.

It knows no request and no row.

reasons({"host": "127.0.0.1", ...}, {"host": "0.0.0.0", ...})    # ["host"]: others may reach it then
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import Any

import msgspec

from services.servers.limits import OPTIONAL
from services.servers.spec import Framing, Limits, Tls

Fields = Mapping[str, Any]
FRESH: Fields = {"host": "127.0.0.1", "framing": {}, "limits": {}, "tls": {}}  # what a new server is measured by
_NUMBERS = (
    "keep_bytes", "connections", "connections_per_source", "accepts_per_second", "messages_per_second", "replies_per_source",
    "replies_per_second", "first_byte_timeout", "idle_timeout", "frame_timeout", "write_timeout",
)  # fmt: skip
_CLIENTS = ("none", "optional", "required")  # whether they show a certificate: the weakest first


def reasons(before: Fields, after: Fields) -> list[str]:
    """The fields that let more in, as in `limits.connections`; none where nothing does. Both are complete, and make sense."""
    found = ["host"] if after["host"] != before["host"] and _is_reached(after["host"]) else []
    if msgspec.convert(after["framing"], Framing).max_bytes > msgspec.convert(before["framing"], Framing).max_bytes:
        found.append("framing.max_bytes")
    limits = _limits(*(msgspec.convert(fields["limits"], Limits) for fields in (before, after)))
    weaker = _weaker(*(msgspec.convert(fields["tls"], Tls) for fields in (before, after)))
    return [*found, *(f"limits.{limit}" for limit in limits), *([f"tls.{weaker}"] if weaker else ())]


def _is_reached(host: str) -> bool:
    """Whether other machines may reach it there; a UNIX path is none of theirs."""
    try:
        return not ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _limits(old: Limits, new: Limits) -> list[str]:
    return [*(field for field in _NUMBERS if _bound(new, field) > _bound(old, field)), *_networks(old, new)]


def _bound(limits: Limits, field: str) -> float:
    value: float = getattr(limits, field)
    return inf if value == 0 and field in OPTIONAL else value


def _networks(old: Limits, new: Limits) -> Iterator[str]:
    """Whoever is let in or trusted anew; whoever is kept out no more."""
    if old.allow and (not new.allow or _more(old.allow, new.allow)):
        yield "allow"
    if _more(new.deny, old.deny):
        yield "deny"
    if _more(old.trusted, new.trusted):
        yield "trusted"


def _more(few: Iterable[str], many: Iterable[str]) -> bool:
    return bool(set(many) - set(few))


def _weaker(old: Tls, new: Tls) -> str:
    """What of TLS protects less; where there was none, nothing does."""
    if old.mode == "off":
        return ""
    if new.mode == "off":
        return "mode"
    if _CLIENTS.index(new.client) < _CLIENTS.index(old.client):
        return "client"
    if "none" not in (old.client, new.client) and new.client_ca != old.client_ca:
        return "client_ca"
    return "minimum" if new.minimum < old.minimum else ""
