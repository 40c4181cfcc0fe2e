"""What became of a server: the lives of its workers with their last words, its moves from state to state, what it ran for whom.

For admins also what it was configured as; a POST gives it back an earlier configuration.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from services import numbers, operations
from services.audit import entries
from services.errors import SockpanelError
from services.history import changes_of, runs_of
from services.models import Execution, Server
from services.remote import executions
from services.servers.clock import rfc3339
from sockpanel.accounts import configuring
from sockpanel.accounts.access import require
from sockpanel.pages.activity import configurations
from sockpanel.pages.frame import may, page, who
from sockpanel.pages.outcomes import outcome
from sockpanel.pages.server import header
from sockpanel.pages.states import STATES

ROWS = 50
SHOWN = (
    "key", "who", "source", "is_new_source", "command", "argv", "ended_at", "exit_code", "signal", "seconds", "why",
    "truncated",
)  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@require("servers.see", verbs={"restore": "servers.change"})
def history(request: HttpRequest, name: str) -> HttpResponse:
    """The newest fifty of each; a POST restores the configuration of `entry`."""
    found = operations.find(name)
    if request.method == "POST":
        return _restore(request, found)
    changes = [{**change, "shown": STATES[change["to"]]} for change in changes_of(found.pk)]
    context = header(found, "history") | {"runs": runs_of(found.pk), "changes": changes}
    if found.kind == "command" and may(request, "commands.see"):
        context["executions"] = [_told(one) for one in executions.of(found.pk, limit=ROWS)]
    if may(request, "audit.see"):
        context["configurations"] = configurations(found)
    return page(request, "history", context)


def _restore(request: HttpRequest, found: Server) -> HttpResponse:
    number = numbers.whole(request.POST.get("entry", "")) or 0
    configuring.check(request, entries.configuration_of(found, number), found)
    try:
        operations.restore(found, number, who(request))
    except SockpanelError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{found.name} is configured as entry {number} has it.")
    return HttpResponseRedirect(reverse("history", args=[found.name]))


def _told(one: Execution) -> dict[str, Any]:
    """A command that the server was asked for, as the page shows it."""
    told = {name: getattr(one, name) for name in SHOWN}
    return {
        **told,
        "at": rfc3339(one.at),
        "output": bytes(one.output),
        "outcome": outcome(told),
    }
