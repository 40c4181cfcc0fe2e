"""The audit: who did what, by keyset pages; and an earlier configuration of a server given back."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from services import errors, operations
from services.audit import entries
from sockpanel.accounts import configuring
from sockpanel.api import audit_schemas, requests, schemas
from sockpanel.api.access import Allowed, who
from sockpanel.api.body import json, words
from sockpanel.api.openapi import described
from sockpanel.api.records import Limit, Moment, Number, micros
from sockpanel.api.servers import find, told

router = Router(tags=["audit"])


@router.get("/audit", auth=Allowed("audit.see"), **described({200: audit_schemas.Entries}))
def list_entries(
    request: HttpRequest,
    before: Number = None,
    after: Number = None,
    limit: Limit = entries.LIMIT,
    who: str = "",
    verb: str = "",
    server: str = "",
    refused: bool = False,
    since: Moment = None,
    until: Moment = None,
) -> HttpResponse:
    """The newest first, or with `after` forward from there. `verb` is one, or the beginning of several: `server`."""
    wanted = entries.Filter(
        before=before,
        after=after,
        limit=limit,
        who=who,
        verb=verb,
        server=server,
        refused=refused,
        since=micros("since", since),
        until=micros("until", until),
    )
    found, more = entries.listed(wanted)
    rows = [entries.told(entry) for entry in found]
    number, digest = entries.head()
    ends = {
        "first": rows[0]["id"] if rows else None,
        "last": (rows[-1]["id"] or entries.next_before(rows)) if rows else None,
    }
    head = {"number": number, "hash": digest}
    return json({"entries": rows, **ends, "more": more, "head": head})


@router.post(
    "/servers/{name}/restore",
    auth=Allowed("servers.change"),
    **described(
        {200: schemas.Server},
        errors.ServerUnknown,
        errors.EntryUnknown,
        errors.ConfigurationRefused,
        errors.BindError,
        errors.SupervisorAway,
        errors.RemoteCommandsOff,
        errors.ConfirmationNeeded,
        body=requests.Restore,
    ),
)
def restore_server(request: HttpRequest, name: str) -> HttpResponse:
    """Give it back the configuration that an entry of the audit holds; its name and node stay. That is a change like any other."""
    server, said = find(name), words(request)
    entry: Any = said.get("entry")
    if set(said) != {"entry"} or isinstance(entry, bool) or not isinstance(entry, int):
        raise errors.RequestRefused('Give the number of an entry, and nothing else: {"entry": 7}.', field="entry")
    configuring.check(request, entries.configuration_of(server, entry), server)
    return json(told(operations.restore(server, entry, who(request))))
