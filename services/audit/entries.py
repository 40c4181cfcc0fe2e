"""Reading the audit: by keyset pages, newest first or forward from a number. It writes nothing.

page = listed(Filter(who="ada", verb="server"))     # server.start, server.change ...
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from services.audit import chain
from services.audit.masking import MASK
from services.errors import EntryUnknown
from services.models import AuditEntry, Server
from services.servers.clock import rfc3339

LIMIT, MAX_LIMIT = 100, 1000
CONFIGURING = ("server.create", "server.change", "server.restore")
NAMES = 500  # of people or verbs on offer in a filter


@dataclass(frozen=True)
class Filter:
    """Which entries; all conditions hold together. Times are microseconds since 1970."""

    before: int | None = None
    after: int | None = None  # forward from there
    limit: int = LIMIT
    who: str = ""
    verb: str = ""  # one, or all that begin with it and a dot
    server: str = ""
    refused: bool = False  # only what was refused or failed
    since: int | None = None
    until: int | None = None


def listed(wanted: Filter) -> tuple[list[AuditEntry], bool]:
    """The entries, and whether further ones match in the direction of reading."""
    rows = _where(wanted)
    forward = wanted.after is not None and wanted.before is None
    limit = max(1, min(wanted.limit, MAX_LIMIT))
    found = list(rows.order_by("number" if forward else "-number")[: limit + 1])
    return found[:limit], len(found) > limit


def _where(wanted: Filter) -> QuerySet[AuditEntry]:
    if "\0" in wanted.who + wanted.verb + wanted.server:  # which no entry holds, and PostgreSQL takes no question about
        return AuditEntry.objects.none()
    terms: dict[str, Any] = {
        "number__lt": wanted.before,
        "number__gt": wanted.after,
        "who": wanted.who or None,
        "server": wanted.server or None,
        "at__gte": wanted.since,
        "at__lte": wanted.until,
    }
    rows = AuditEntry.objects.filter(**{term: value for term, value in terms.items() if value is not None})
    if wanted.verb:
        rows = rows.filter(Q(verb=wanted.verb) | Q(verb__startswith=f"{wanted.verb}."))
    return rows.exclude(code="") if wanted.refused else rows


def told(entry: AuditEntry) -> dict[str, Any]:
    """The ENTRY object."""
    details = json.loads(entry.details) if entry.details else {}
    return {
        "id": entry.number,
        "at": rfc3339(entry.at),
        **{field: getattr(entry, field) for field in ("who", "verb", "way", "source", "server", "what", "code")},
        **{field: details.get(field) for field in ("token", "old", "new", "configuration")},
        "data": bytes(entry.data),
        "size": entry.size,
        "sha256": entry.sha256,
        "hash": entry.hash,
    }


class Change(NamedTuple):
    """One field; the values as JSON. `old` is None where there was none."""

    field: str
    old: str | None
    new: str


def changes(told: Mapping[str, Any]) -> list[Change]:
    """What an ENTRY object changed; of mappings only what differs inside of them."""
    return list(_changes("", told["old"] or {}, told["new"] or {}))


def _changes(before: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Iterator[Change]:
    for field in [*news, *(field for field in olds if field not in news)]:
        old, new = olds.get(field), news.get(field)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _changes(f"{before}{field}.", old, new)
        elif field not in olds or old != new:
            yield Change(f"{before}{field}", chain.as_json(old) if field in olds else None, chain.as_json(new))


def head() -> tuple[int, str]:
    """The number and hash of the last entry; (0, "") before the first."""
    return AuditEntry.objects.order_by("-number").values_list("number", "hash").first() or (0, "")


def configurations_of(server: Server, limit: int = 50) -> list[AuditEntry]:
    """The entries after which it had a configuration of its own, newest first."""
    rows = AuditEntry.objects.filter(server_id=server.pk, verb__in=CONFIGURING)
    return list(rows.order_by("-number")[:limit])


def configuration_of(server: Server, number: int) -> dict[str, Any]:
    """A server's whole configuration after one entry. Raises EntryUnknown."""
    rows = AuditEntry.objects.filter(server_id=server.pk, number=number) if 0 < number < 2**63 else ()
    for entry in rows:
        if found := told(entry)["configuration"]:
            _require_whole(found, server, number)
            return dict(found)
    raise EntryUnknown(
        f"No entry {number} of the audit holds a configuration of {server.name}: choose one from its history."
    )


def _require_whole(configuration: Mapping[str, Any], server: Server, number: int) -> None:
    """What was masked is gone: a server must not be given the mask instead."""
    parts = sorted(field for field, value in configuration.items() if MASK in chain.as_json(value))
    if parts:
        raise EntryUnknown(
            f"Entry {number} of the audit does not hold all of {server.name}: there was a secret in {', '.join(parts)}, "
            "and secrets are not kept. Choose another entry, or set it by hand."
        )


def names(field: str) -> list[str]:
    """The people, verbs or servers that stand in the audit; one look into the index for each, however many entries there are."""
    found = [""]
    while len(found) <= NAMES:
        rows = AuditEntry.objects.filter(**{f"{field}__gt": found[-1]}).order_by(field)
        if (name := rows.values_list(field, flat=True).first()) is None:
            break
        found.append(name)
    return found[1:]
