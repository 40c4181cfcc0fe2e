"""One remote command: who ran what where, what came of it, and as much of its output as is kept."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from services.remote import switch
from services.remote.commands import find
from services.remote.transcript import KEPT_BYTES, pieces
from sockpanel.accounts.access import require
from sockpanel.pages.commands import shown
from sockpanel.pages.frame import page

MOST = 256 * 1024  # bytes of output that the page brings along; script asks for all that is kept


@require_safe
@require("commands.see")
def command(request: HttpRequest, pk: int) -> HttpResponse:
    """Its own page: an address to hand on."""
    found = find(pk)
    row = shown(found)
    brought = list(_beginning(pieces(bytes(found.transcript)), MOST))
    context = {
        "is_on": switch.is_on(),
        "command": row,
        "pieces": brought,
        "is_cut": _is_cut(row),
        "is_short": row["kept_bytes"] > MOST,
    }
    return page(request, "command", context)


def _is_cut(row: dict[str, Any]) -> bool:
    """Whether its output is longer than what is kept, or was too old to be kept. A key of the panel that was taken out is no cut."""
    kept = row["kept_bytes"]
    return row["state"] == "done" and row["wrote"] > kept and (kept == 0 or kept >= KEPT_BYTES)


def _beginning(found: Iterable[tuple[str, bytes]], most: int) -> Iterable[tuple[str, bytes]]:
    left = most
    for stream, data in found:
        if left <= 0:
            return
        yield stream, data[:left]
        left -= len(data)
