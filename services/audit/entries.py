"""Reading the audit: by keyset pages, newest first or forward from a number. It writes nothing.

page = listed(Filter(who="ada", verb="server"))     # server.start, server.change ...
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet
from django.db.models.functions import Length

from services.audit import chain, tampered
from services.audit.masking import MASK
from services.errors import EntryUnknown
from services.models import AuditEntry, Server
from services.servers.clock import rfc3339

LIMIT, MAX_LIMIT = 100, 1000
CONFIGURING = ("server.create", "server.change", "server.restore")
TEXTS = ("who", "verb", "way", "source", "server", "what", "code", "sha256", "hash")
BEHIND_ALL = 10**18 - 1  # as large as a number in a request may be
MAX_NAME = 150  # characters
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
    with tampered.any_text():
        found = list(tampered.fetched(rows.order_by("number" if forward else "-number")[: limit + 1]))
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


def next_before(told: Sequence[Mapping[str, Any]]) -> int:
    """Where reading back goes on after these ENTRY objects: what has no number stands before all that have one."""
    return next((one["id"] for one in reversed(told) if one["id"]), BEHIND_ALL)


def told(entry: AuditEntry) -> dict[str, Any]:
    """The ENTRY object; `fault` says why it is not what was written."""
    details = tampered.details(entry)
    return {
        "id": tampered.number(entry.number),
        "at": rfc3339(tampered.number(entry.at)),
        **{field: tampered.text(getattr(entry, field)) for field in TEXTS},
        **{field: details.get(field) for field in tampered.PARTS},
        "data": tampered.data(entry.data),
        "size": tampered.number(entry.size),
        "fault": tampered.fault(entry),
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
    with tampered.any_text():
        rows = AuditEntry.objects.filter(number__lte=tampered.LARGEST).order_by("-number")
        number, digest = rows.values_list("number", "hash").first() or (0, "")
    return tampered.number(number), tampered.text(digest)[:64]


def configurations_of(server: Server, limit: int = 50) -> list[AuditEntry]:
    """The entries after which it had a configuration of its own, newest first."""
    rows = AuditEntry.objects.filter(server_id=server.pk, verb__in=CONFIGURING)
    with tampered.any_text():
        return list(tampered.fetched(rows.order_by("-number")[:limit]))


def configuration_of(server: Server, number: int) -> dict[str, Any]:
    """A server's whole configuration after one entry. Raises EntryUnknown."""
    rows = AuditEntry.objects.filter(server_id=server.pk, number=number if 0 < number < 2**63 else 0)
    with tampered.any_text():
        found = [told(entry) for entry in tampered.fetched(rows)]
    for entry in found:
        _require_untouched(entry)
        if entry["configuration"]:
            _require_whole(entry["configuration"], server, number)
            return dict(entry["configuration"])
    raise EntryUnknown(
        f"No entry {number} of the audit holds a configuration of {server.name}: choose one from its history."
    )


def _require_untouched(entry: Mapping[str, Any]) -> None:
    if entry["fault"]:
        raise EntryUnknown(
            f"Entry {entry['id']} of the audit was edited ({entry['fault']}): choose another entry, and ask manage.py audit verify."
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
    short = AuditEntry.objects.annotate(length=Length(field)).filter(length__lte=MAX_NAME).order_by(field)
    with tampered.any_text():
        while len(found) <= NAMES:
            name = short.filter(**{f"{field}__gt": found[-1]}).values_list(field, flat=True).first()
            # None behind the last one; and what is no text cannot be asked for
            if not isinstance(name, str) or name != tampered.text(name):
                break
            found.append(name)
    return found[1:]
