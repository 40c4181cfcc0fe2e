"""Whether a configuration lets in more than another: from other machines, or beyond its limits. It knows no request and no row.

reason({"host": "127.0.0.1", ...}, {"host": "0.0.0.0", ...})    # "host": others may reach it then
"""

import ipaddress
from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

import msgspec

from services.servers.limits import OPTIONAL
from services.servers.spec import Limits

Fields = Mapping[str, Any]
FRESH: Fields = {"host": "127.0.0.1", "limits": {}}  # what a new server is measured by
_NUMBERS = (
    "keep_bytes", "connections", "connections_per_source", "accepts_per_second", "messages_per_second", "replies_per_source",
    "replies_per_second", "first_byte_timeout", "idle_timeout", "frame_timeout", "write_timeout",
)  # fmt: skip


def reason(before: Fields, after: Fields) -> str:
    """The field that lets more in, as in `limits.connections`; empty where none does. Both are complete, and make sense."""
    if after["host"] != before["host"] and _is_reached(after["host"]):
        return "host"
    old, new = (msgspec.convert(fields["limits"], Limits) for fields in (before, after))
    found = next((field for field in _NUMBERS if _bound(new, field) > _bound(old, field)), "") or _networks(old, new)
    return f"limits.{found}" if found else ""


def _is_reached(host: str) -> bool:
    """Whether other machines may reach it there; a UNIX path is none of theirs."""
    try:
        return not ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _bound(limits: Limits, field: str) -> float:
    value: float = getattr(limits, field)
    return inf if value == 0 and field in OPTIONAL else value


def _networks(old: Limits, new: Limits) -> str:
    """Whoever is let in or trusted anew; whoever is kept out no more."""
    if old.allow and (not new.allow or _more(old.allow, new.allow)):
        return "allow"
    if _more(new.deny, old.deny):
        return "deny"
    return "trusted" if _more(old.trusted, new.trusted) else ""


def _more(few: Iterable[str], many: Iterable[str]) -> bool:
    return bool(set(many) - set(few))
