"""A server: its conversation and inspector, its send box, and the buttons of its header. The other tabs share the header."""

import ipaddress
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from services import describe, history, numbers, operations
from services.errors import KeyRefused, SockpanelError
from services.models import Connection, Server
from services.payload import payload
from services.remote import files
from services.servers.spec import STREAMS
from sockpanel.accounts import conversations
from sockpanel.accounts.access import require
from sockpanel.pages.frame import back, page, rank, who
from sockpanel.pages.states import STATES
from sockpanel.pages.talk import talk
from sockpanel.pages.verbs import DEEDS, VERBS, carry_out

ROWS = 100  # messages that the page brings along
TARGETS = 50  # peers on offer in the send box
ACTS = {verb: f"servers.{verb}" for verb in ("send", "close", "prune", "delete")}
SENDING = frozenset({"tcp", "udp", "broadcast-receiver"})  # kinds with a send box


@require_http_methods(["GET", "HEAD", "POST"])
@require("servers.see", verbs=DEEDS | ACTS)
def server(request: HttpRequest, name: str) -> HttpResponse:
    """The conversation; a POST carries out `verb`."""
    found = operations.find(name)
    if request.method == "POST":
        return _act(request, found)
    if conversations.hidden(rank(request), {found.pk}):
        return page(request, "server", header(found, "conversation") | {"is_hidden": True})
    rows, first, last = conversation(found.pk)
    context = header(found, "conversation") | {"rows": rows, "first": first, "last": last}
    panel = request.build_absolute_uri("/").rstrip("/")
    context |= {"talk": talk(context["server"], seen(request), key(found), panel), "targets": targets(found)}
    return page(request, "server", context)


def header(found: Server, tab: str) -> dict[str, Any]:
    """What every tab of a server shows."""
    told = describe.describe([found])[0]
    return {
        "server": told,
        "shown": STATES[told["state"]],
        "tab": tab,
        "sends": found.kind in SENDING,
        "warnings": operations.warnings(found),
    }


def conversation(pk: int) -> tuple[list[dict[str, Any]], int, int]:
    """The newest messages with the connections' openings and closings between them; the first and last number there."""
    found = history.messages(pk, history.Query(limit=ROWS))
    last = found.last or history.last_seq(pk)
    first = found.first or last + 1
    after = _micros(found.messages[0].at) - 1 if found.messages and found.more else 0
    events = [event for event in history.connection_events(pk, after) if first - 1 <= event["seq"] <= last]
    rows = [{"sort": "message", "place": float(message.seq), "message": message} for message in found.messages]
    rows += [{"sort": "event", "place": event["seq"] + 0.5, "event": event} for event in events]
    return sorted(rows, key=lambda row: row["place"]), first, last


def targets(found: Server) -> list[dict[str, Any]]:
    """Whom bytes can be sent to: open connections, or the datagram peers seen lately."""
    rows = Connection.objects.filter(server_id=found.pk).order_by("-number")
    if found.kind not in SENDING:
        return []
    if found.transport in STREAMS:
        rows = rows.filter(closed_at=None)
    return [{"number": number, "peer": peer} for number, peer in rows.values_list("number", "peer")[:TARGETS]]


def key(found: Server) -> str:
    """The public key of a remote-command server, in hex; empty for others."""
    if found.kind != "command" or found.options.get("dialect", "frames") != "frames":
        return ""
    try:
        return files.server_public(found.pk).hex()
    except KeyRefused:
        return ""  # whoever runs a command or starts the server is told


def seen(request: HttpRequest) -> str:
    """The address that the panel was reached at, where it is one and not loopback."""
    host = request.get_host()
    try:
        address = ipaddress.ip_address(host.rpartition(":")[0].strip("[]") if host.rpartition(":")[1] else host)
    except ValueError:
        return ""
    return "" if address.is_loopback else str(address)


def _micros(at: str) -> int:
    return round(datetime.fromisoformat(at).timestamp() * 1_000_000)


def _act(request: HttpRequest, found: Server) -> HttpResponse:
    verb = request.POST.get("verb", "")
    acts: dict[str, Callable[[HttpRequest, Server], None]] = {
        "send": _send,
        "close": _close,
        "prune": _prune,
        "delete": _delete,
    }
    try:
        if verb in VERBS:
            carry_out(request, verb, [found])
        elif verb in acts:
            acts[verb](request, found)
    except SockpanelError as error:
        messages.error(request, error.message)
    else:
        if verb == "delete":
            return HttpResponseRedirect(reverse("servers"))
    return back(request, reverse("server", args=[found.name]))


def _send(request: HttpRequest, found: Server) -> None:
    data = payload(request.POST.get("data", ""), request.POST.get("encoding", "text"))
    target = request.POST.get("to", "all")
    connection = numbers.whole(target)
    elsewhere = request.POST.get("peer", "").strip()
    peer = (elsewhere if target == "peer" else target) if connection is None and target != "all" else None
    reached = operations.send(found, data, who(request), connection=connection, peer=peer)
    messages.success(request, f"{len(data):,} bytes went to {reached} {'peer' if reached == 1 else 'peers'}.")


def _close(request: HttpRequest, found: Server) -> None:
    number = numbers.whole(request.POST.get("number", ""))
    if number is not None:
        operations.close_connection(found, number, who(request))
        messages.success(request, f"Connection {number} is closed.")


def _prune(request: HttpRequest, found: Server) -> None:
    keep = numbers.whole(request.POST.get("keep", ""))
    pruned = operations.prune(found, -1 if keep is None else keep, who(request))
    messages.success(request, f"{pruned:,} messages of {found.name} are removed.")


def _delete(request: HttpRequest, found: Server) -> None:
    operations.remove(found, who(request))
    messages.success(request, f"{found.name} and its messages are deleted.")
