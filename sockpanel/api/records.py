"""What was recorded of a server, by keyset pages: messages, connections, runs, state changes, incidents."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import WithJsonSchema

from services import errors, history
from services.payload import payload
from sockpanel.accounts import conversations
from sockpanel.api import record_schemas
from sockpanel.api.access import Allowed
from sockpanel.api.body import json
from sockpanel.api.openapi import described
from sockpanel.api.servers import find

router = Router(tags=["records"])

MAX_NUMBER = 2**63 - 1
Number = Annotated[int | None, Query(ge=0, le=MAX_NUMBER)]
Limit = Annotated[int, Query(ge=1, le=history.MAX_LIMIT)]
Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Moment = Annotated[Time | None, Query()]


@router.get(
    "/servers/{name}/messages",
    auth=Allowed("servers.see"),
    **described({200: record_schemas.Messages}, errors.ServerUnknown, errors.TextMalformed),
)
def messages(
    request: HttpRequest,
    name: str,
    after: Number = None,
    before: Number = None,
    limit: Limit = 100,
    direction: Literal["in", "out"] | None = None,
    connection: Number = None,
    contains: str | None = None,
    hex: str | None = None,
    since: Moment = None,
    until: Moment = None,
) -> HttpResponse:
    """Messages in order of `seq`: the first after `after`, the last before `before`, or the newest. All conditions hold together.

    `contains` is text as it is, `hex` bytes as hex digits. A page ends early at 8 MiB of data: `more` says so. The messages of a
    remote-command server are lines and their output: they are for operators.
    """
    query = history.Query(
        after=after,
        before=before,
        limit=limit,
        direction=direction,
        connection=connection,
        contains=_needles(contains, hex),
        since=micros("since", since),
        until=micros("until", until),
    )
    server = find(name)
    conversations.check(request, server)
    return json(history.messages(server.pk, query))


def _needles(contains: str | None, digits: str | None) -> tuple[bytes, ...]:
    needles = [contains.encode("utf-8", "surrogatepass")] if contains else []
    try:
        needles += [payload(digits, "hex")] if digits else []
    except errors.TextMalformed as error:
        raise errors.TextMalformed(error.message, field="hex") from None
    return tuple(needles)


def micros(field: str, text: str | None) -> int | None:
    """Microseconds since 1970; a time without a zone is UTC."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return round((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
    except (ValueError, OverflowError):
        raise errors.RequestRefused(
            f"{field} is a time such as 2026-11-20T10:11:12.000345Z (RFC 3339).", field=field
        ) from None


@router.get(
    "/servers/{name}/connections",
    auth=Allowed("servers.see"),
    **described({200: record_schemas.Connections}, errors.ServerUnknown),
)
def connections(
    request: HttpRequest, name: str, before: Number = None, limit: Limit = 100, open: bool = False
) -> HttpResponse:
    """Connections, newest first; with `open` only those that are."""

    def read(server: int, before: int, limit: int) -> list[dict[str, Any]]:
        return history.connections_of(server, before=before, limit=limit, only_open=open)

    return _page(name, "connections", read, before, limit)


@router.get(
    "/servers/{name}/runs", auth=Allowed("servers.see"), **described({200: record_schemas.Runs}, errors.ServerUnknown)
)
def runs(request: HttpRequest, name: str, before: Number = None, limit: Limit = 50) -> HttpResponse:
    """The lives of its workers, newest first."""

    def read(server: int, before: int, limit: int) -> list[dict[str, Any]]:
        return history.runs_of(server, before=before, limit=limit)

    return _page(name, "runs", read, before, limit)


@router.get(
    "/servers/{name}/changes",
    auth=Allowed("servers.see"),
    **described({200: record_schemas.Changes}, errors.ServerUnknown),
)
def changes(request: HttpRequest, name: str, before: Number = None, limit: Limit = 50) -> HttpResponse:
    """Its moves from state to state, newest first."""

    def read(server: int, before: int, limit: int) -> list[dict[str, Any]]:
        return history.changes_of(server, before=before, limit=limit)

    return _page(name, "changes", read, before, limit, key="id")


@router.get(
    "/servers/{name}/incidents",
    auth=Allowed("servers.see"),
    **described({200: record_schemas.Incidents}, errors.ServerUnknown),
)
def incidents(request: HttpRequest, name: str, before: Number = None, limit: Limit = 50) -> HttpResponse:
    """What it refused or slowed down, newest first."""

    def read(server: int, before: int, limit: int) -> list[dict[str, Any]]:
        return history.incidents_of(server, before=before, limit=limit)

    return _page(name, "incidents", read, before, limit, key="id")


def _page(
    name: str,
    word: str,
    read: Callable[[int, int, int], list[dict[str, Any]]],
    before: int | None,
    limit: int,
    key: str = "number",
) -> HttpResponse:
    rows = read(find(name).pk, MAX_NUMBER if before is None else before, limit + 1)
    shown = rows[:limit]
    ends = {"first": shown[0][key] if shown else None, "last": shown[-1][key] if shown else None}
    return json({word: shown, **ends, "more": len(rows) > limit})
