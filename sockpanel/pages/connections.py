"""The connections of a server: open ones first, then what was."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from services import history, numbers, operations
from sockpanel.accounts.access import require
from sockpanel.pages.frame import page
from sockpanel.pages.server import header

ROWS = 200


@require_safe
@require("servers.see")
def connections(request: HttpRequest, name: str) -> HttpResponse:
    """The list; `?before=` pages the closed ones."""
    found = operations.find(name)
    before = numbers.whole(request.GET.get("before", ""))
    rows = history.connections_of(found.pk, before=before, limit=ROWS)
    older = rows[-1]["number"] if len(rows) == ROWS else None
    return page(request, "connections", header(found, "connections") | {"connections": rows, "older": older})
