"""The home page: every server in a row, what it does now, and the buttons for one or many of them."""

import base64
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import BinaryField, Q
from django.db.models.functions import Substr
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from services.describe import describe
from services.models import Message, Server
from services.remote import switch
from services.servers.clock import rfc3339
from sockpanel.accounts import conversations
from sockpanel.accounts.access import require
from sockpanel.pages.frame import back, page, rank
from sockpanel.pages.states import STATES
from sockpanel.pages.verbs import DEEDS, carry_out
from sockpanel.templatetags.shown import sort

HEAD_BYTES = 96  # of the last message
AT_ONCE = 200  # rows asked for by one query
FAILED = frozenset({"FATAL", "BACKOFF"})


@require_http_methods(["GET", "HEAD", "POST"])
@require("servers.see", verbs=DEEDS)
def servers(request: HttpRequest) -> HttpResponse:
    """The list; a POST carries out `verb` for every server in `name`.

    With `?last` the last messages as JSON; with `?go` to the server that a search found, where it is one only.
    """
    if request.method == "POST":
        carry_out(request, request.POST["verb"], Server.objects.filter(name__in=request.POST.getlist("name")))
        return back(request, "/servers/")
    rows = rows_of(Server.objects.all(), request)
    if "last" in request.GET:
        return JsonResponse({row["name"]: brief(row) for row in rows})
    query = request.GET.get("q", "").strip()
    for row in rows:
        row["text"] = searched(row)
        row["is_hidden"] = query.lower() not in row["text"]
    found = [row["name"] for row in rows if not row["is_hidden"]]
    if query and "go" in request.GET and len(found) == 1:
        return HttpResponseRedirect(reverse("server", args=found))
    nothing = not found
    context = {"servers": rows, "query": query, "nothing": nothing, "totals": totals(rows), "blank": BLANK}
    return page(request, "servers", context if rows else context | {"presets": presets()})


def rows_of(wanted: Iterable[Server], request: HttpRequest) -> list[dict[str, Any]]:
    """SERVER objects with what a row shows besides: how the state looks and the last message, as far as it is for this person."""
    found = describe(wanted)
    hidden = conversations.hidden(rank(request), {server["id"] for server in found})
    last = last_messages(
        [(server["id"], server["counters"]["last_seq"]) for server in found if server["id"] not in hidden]
    )
    return [{**server, "shown": STATES[server["state"]], "last": last.get(server["id"])} for server in found]


def last_messages(numbers: list[tuple[int, int]]) -> dict[int, dict[str, Any]]:
    """Server id -> the beginning of the message with that number, where it is still kept."""
    wanted = [Q(server_id=server, seq=seq) for server, seq in numbers if seq]
    found: dict[int, dict[str, Any]] = {}
    for start in range(0, len(wanted), AT_ONCE):
        rows = (
            Message.objects.filter(reduce(or_, wanted[start : start + AT_ONCE]))
            .annotate(head=Substr("data", 1, HEAD_BYTES, output_field=BinaryField()))
            .values_list("server_id", "at", "direction", "size", "head")
        )
        for server, at, direction, size, head in rows:
            way = "out" if direction else "in"
            found[server] = {"at": rfc3339(at), "direction": way, "size": size, "head": bytes(head or b"")}
    return found


def brief(row: dict[str, Any]) -> dict[str, Any]:
    """What the WebSocket of all servers does not tell: the last message, as JSON."""
    last = row["last"] and {**row["last"], "head": base64.b64encode(row["last"]["head"]).decode()}
    return {"kind": sort(row), "text": searched(row), "last": last}


def totals(rows: list[dict[str, Any]]) -> dict[str, int]:
    """What the cards above the list say before script runs."""
    return {
        "servers": len(rows),
        "running": sum(row["state"] == "RUNNING" for row in rows),
        "failed": sum(row["state"] in FAILED for row in rows),
        "connections": sum(row["counters"]["connections"] for row in rows),
    }


def searched(row: dict[str, Any]) -> str:
    """The text that a search looks into."""
    return f"{row['name']} {row['kind']} {row['transport']} {row['address']} {row['notes']}".lower()


def presets() -> list[dict[str, Any]]:
    """The presets as cards, each with the line that tries it."""
    return [
        {
            "name": preset.name,
            "title": preset.title,
            "explains": preset.explains,
            "address": address_of(preset.server),
            "line": preset.try_at(preset.server["host"], preset.server["port"]),
        }
        for preset in switch.offered().values()
    ]


def address_of(server: dict[str, Any]) -> str:
    """Where a preset would serve, in short."""
    if server["kind"] == "broadcast-sender":
        return f"to {server['options']['destination']}"
    everywhere = server["host"] in ("0.0.0.0", "::")  # noqa: S104 - it is told apart, not bound
    return f"{server['transport']} {server['port']}" + (" on all addresses" if everywhere else "")


# What script fills when a server appears: one shape of a row. No server may be named "new": it is the address of a page.
BLANK: dict[str, Any] = {
    "name": "new", "kind": "", "transport": "", "address": "", "state": "STOPPED", "reason": "", "since": "", "notes": "",
    "wanted": "stopped", "shown": STATES["STOPPED"], "counters": {"connections": 0, "received": 0, "sent": 0}, "last": None,
}  # fmt: skip
