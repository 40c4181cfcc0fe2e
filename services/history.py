"""Reading what was recorded: messages by keyset pages, connections, runs, state changes. It writes nothing.

page = messages(server.pk, Query(after=120, limit=500))
"""

from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, closing, nullcontext
from typing import Any, Literal

import msgspec
from django.db import connections

from services import tls_columns
from services.errors import RequestRefused
from services.models import MESSAGES, Connection, Counters, Incident, Run, StateChange
from services.patience import within
from services.servers.clock import rfc3339

MAX_LIMIT = 1000
MAX_NEEDLE = 1024  # bytes of what is looked for; SQLite compares it anew at every byte, and cannot be stopped inside of a message
MAX_BYTES = 8 * 1024 * 1024  # of data in one page; a message may keep 1 MiB
ROWS_AT_ONCE = 32
COLUMNS = "seq, at, connection, peer, direction, size, sent_by, data"


class MessageOut(msgspec.Struct, frozen=True):
    """A message as the API and the WebSocket tell it; in JSON its data is base64."""

    seq: int
    at: str
    connection: int
    peer: str
    direction: Literal["in", "out"]
    size: int
    truncated: bool
    sent_by: str | None
    data: bytes


class Query(msgspec.Struct, frozen=True):
    """Which messages: all conditions hold together. Times are microseconds since 1970."""

    after: int | None = None
    before: int | None = None
    limit: int = 100
    direction: Literal["in", "out"] | None = None
    connection: int | None = None
    contains: tuple[bytes, ...] = ()
    since: int | None = None
    until: int | None = None
    max_bytes: int = MAX_BYTES  # of data; the page ends early where the next message passes it, and holds one at least


class Page(msgspec.Struct, frozen=True):
    """Messages in order of `seq`; `more` when further ones match in the direction of reading."""

    messages: list[MessageOut]
    first: int | None
    last: int | None
    more: bool


def messages(server: int, query: Query) -> Page:
    """One page: the first after `after`, or the last before `before`, or the newest. Raises RequestRefused or SearchTooLong."""
    require_short(*query.contains)
    forward = query.after is not None and query.before is None
    limit = max(1, min(query.limit, MAX_LIMIT))
    where, values = _where(server, query)
    order = "ASC" if forward else "DESC"
    statement = f"SELECT {COLUMNS} FROM services_message WHERE {where} ORDER BY seq {order} LIMIT %s"  # noqa: S608 - only fixed text
    with _patience(query) as check, closing(_rows(statement, [*values, limit + 1], check)) as all_rows:
        rows, more = _take(all_rows, limit, query.max_bytes)
    found = [_message(row) for row in (rows if forward else reversed(rows))]
    return Page(found, found[0].seq if found else None, found[-1].seq if found else None, more)


def require_short(*needles: bytes) -> None:
    """Raises RequestRefused for a text that is too long to look for."""
    for needle in needles:
        if len(needle) > MAX_NEEDLE:
            raise RequestRefused(
                f"What is looked for has {len(needle):,} bytes and may have {MAX_NEEDLE:,}: a part of it will do.",
                field="contains",
            )


def _patience(query: Query) -> AbstractContextManager[Callable[[], None]]:
    """A page by its numbers alone is found at once; whoever looks for more goes through everything."""
    asked = (query.contains, query.direction, query.connection, query.since, query.until)
    return within(MESSAGES) if any(one not in (None, ()) for one in asked) else nullcontext(lambda: None)


def _rows(statement: str, values: list[Any], check: Callable[[], None]) -> Generator[tuple[Any, ...], None, None]:
    """A few at a time: PostgreSQL would hand over the whole page at once, and that may be a gigabyte."""
    with connections[MESSAGES].chunked_cursor() as cursor:
        cursor.execute(statement, values)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            check()
            yield from rows


def _take(found: Iterable[tuple[Any, ...]], limit: int, max_bytes: int) -> tuple[list[tuple[Any, ...]], bool]:
    """Rows up to a number and a size, and whether there are more."""
    rows: list[tuple[Any, ...]] = []
    size = 0
    for row in found:
        size += len(row[-1])
        if len(rows) == limit or (rows and size > max_bytes):
            return rows, True
        rows.append(row)
    return rows, False


def _where(server: int, query: Query) -> tuple[str, list[Any]]:
    terms: list[str] = ["server_id = %s"]
    values: list[Any] = [server]
    opened, closed = _span(server, query.connection)
    direction = {None: None, "in": 0, "out": 1}[query.direction]
    for term, value in (
        ("seq > %s", query.after),
        ("seq < %s", query.before),
        ("direction = %s", direction),
        ("connection = %s", query.connection),
        ("seq > %s", opened),
        ("seq <= %s", closed),
        ("at >= %s", query.since),
        ("at <= %s", query.until),
    ):
        if value is not None:
            terms.append(term)
            values.append(value)
    position = "instr(data, %s) > 0" if connections[MESSAGES].vendor == "sqlite" else "position(%s in data) > 0"
    for needle in query.contains:
        terms.append(position)
        values.append(needle)
    return " AND ".join(terms), values


def _span(server: int, connection: int | None) -> tuple[int | None, int | None]:
    """Between which numbers the messages of a connection are: it spares going through all others. (None, None) where nobody knows."""
    if connection is None:
        return None, None
    rows = Connection.objects.filter(server_id=server, number=connection)
    return rows.values_list("opened_seq", "closed_seq").first() or (None, None)


def _message(row: tuple[Any, ...]) -> MessageOut:
    seq, at, connection, peer, direction, size, sent_by, data = row
    kept = bytes(data)
    way: Literal["in", "out"] = "out" if direction else "in"
    return MessageOut(seq, rfc3339(at), connection, peer, way, size, len(kept) < size, sent_by or None, kept)


def last_seq(server: int) -> int:
    """The number of the newest message ever recorded; 0 when there was none."""
    return Counters.objects.filter(pk=server).values_list("last_seq", flat=True).first() or 0


def connections_of(
    server: int, *, before: int | None = None, limit: int = 100, only_open: bool = False
) -> list[dict[str, Any]]:
    """Open connections first, then closed ones, newest first; with `before`, a connection number, by number alone."""
    rows = Connection.objects.filter(server_id=server)
    if only_open:
        rows = rows.filter(closed_at=None)
    if before is not None:
        rows = rows.filter(number__lt=before)
        return [_connection(row) for row in rows.order_by("-number")[:limit]]
    still_open = list(rows.filter(closed_at=None).order_by("-number")[:limit])
    closed = rows.exclude(closed_at=None).order_by("-number")[: limit - len(still_open)]
    return [_connection(row) for row in [*still_open, *closed]]


def connection_events(server: int, after: int, limit: int = 500) -> list[dict[str, Any]]:
    """Openings and closings with `at` (microseconds) after `after`, in order of time."""
    rows = Connection.objects.filter(server_id=server)
    opened = [row for row in rows.order_by("-number")[:limit] if row.opened_at > after]  # numbers rise with time
    closed = rows.filter(closed_at__gt=after).order_by("-closed_at")[:limit]
    events = [(row.opened_at, "opened", row.opened_seq, row) for row in opened]
    events += [(row.closed_at or 0, "closed", row.closed_seq or 0, row) for row in closed]
    events.sort(key=lambda event: event[0])
    return [
        {
            "type": "connection",
            "number": row.number,
            "peer": row.peer,
            "event": event,
            "at": rfc3339(at),
            "seq": seq,
            "why": row.why if event == "closed" else _opening(row),
        }
        for at, event, seq, row in events
    ]


def _opening(row: Connection) -> str:
    """What there is to say of an opening."""
    return tls_columns.words(*(getattr(row, column) for column in tls_columns.COLUMNS))


def _connection(row: Connection) -> dict[str, Any]:
    return {
        "number": row.number,
        "peer": row.peer,
        "run": row.run,
        "opened_at": rfc3339(row.opened_at),
        "closed_at": rfc3339(row.closed_at) if row.closed_at is not None else None,
        "why": row.why,
        "last_at": rfc3339(row.last_at),
        "received": row.received,
        "bytes_in": row.bytes_in,
        "sent": row.sent,
        "bytes_out": row.bytes_out,
        "tls": tls_columns.as_dict(row),
    }


def runs_of(server: int, *, before: int | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """The lives of its workers, newest first."""
    rows = Run.objects.filter(server_id=server)
    if before is not None:
        rows = rows.filter(number__lt=before)
    return [
        {
            "number": row.number,
            "pid": row.pid,
            "started_at": rfc3339(row.started_at),
            "ready_at": rfc3339(row.ready_at) if row.ready_at is not None else None,
            "ended_at": rfc3339(row.ended_at) if row.ended_at is not None else None,
            "exit_code": row.exit_code,
            "signal": row.signal,
            "stderr": row.stderr,
        }
        for row in rows.order_by("-number")[:limit]
    ]


def changes_of(server: int, *, before: int | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """Its moves from state to state, newest first."""
    rows = StateChange.objects.filter(server_id=server)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return [
        {
            "id": row.id,
            "at": rfc3339(row.at),
            "from": row.old,
            "to": row.new,
            "reason": row.reason,
            "who": row.who or None,
        }
        for row in rows.order_by("-id")[:limit]
    ]


def incidents_of(server: int, *, before: int | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """What it refused or slowed down, newest first."""
    rows = Incident.objects.filter(server_id=server)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return [
        {
            "id": row.id,
            "at": rfc3339(row.at),
            "rule": row.rule,
            "source": row.source,
            "what": row.what,
            "count": row.count,
        }
        for row in rows.order_by("-id")[:limit]
    ]
