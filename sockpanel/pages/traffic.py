"""What came to a server and what became of it: the account of messages and bytes, and whom it refused or slowed down."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from services import account, history, operations, trouble
from services.models import Counters
from services.servers.report import RULES
from services.wishes import DATAGRAMS
from sockpanel.accounts.access import require
from sockpanel.pages.frame import page
from sockpanel.pages.server import header

ROWS = 100


@require_safe
@require("servers.see")
def traffic(request: HttpRequest, name: str) -> HttpResponse:
    """The account, and the newest incidents."""
    found = operations.find(name)
    context = header(found, "traffic")
    context |= {
        "account": account.of(context["server"]["counters"]),
        "refused": [(rule, RULES.get(rule, ""), number) for rule, number in _by_number(context["server"])],
        "is_storing": trouble.is_storing(),
        "takes_connections": found.transport not in DATAGRAMS,
        "incidents": sorted(history.incidents_of(found.pk, limit=ROWS), key=lambda one: one["at"], reverse=True),
        "kept": _kept(found.pk),
    }
    return page(request, "traffic", context)


def _by_number(server: dict[str, Any]) -> list[tuple[str, int]]:
    return sorted(server["counters"]["refused"].items(), key=lambda one: -one[1])


def _kept(pk: int) -> int:
    """Messages that are still there."""
    row = Counters.objects.filter(pk=pk).first()
    return row.last_seq - row.first_seq + 1 if row else 0
