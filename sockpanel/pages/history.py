"""What became of a server: the lives of its workers with their last words, its moves from state to state, what it ran for whom."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from services import operations
from services.history import changes_of, runs_of
from services.models import Execution
from services.remote import executions
from services.servers.clock import rfc3339
from sockpanel.accounts.access import require
from sockpanel.pages.frame import may, page
from sockpanel.pages.outcomes import outcome
from sockpanel.pages.server import header
from sockpanel.pages.states import STATES

ROWS = 50
SHOWN = (
    "key", "who", "source", "is_new_source", "command", "argv", "ended_at", "exit_code", "signal", "seconds", "why",
    "truncated",
)  # fmt: skip


@require_safe
@require("servers.see")
def history(request: HttpRequest, name: str) -> HttpResponse:
    """The newest fifty of each."""
    found = operations.find(name)
    changes = [{**change, "shown": STATES[change["to"]]} for change in changes_of(found.pk)]
    context = header(found, "history") | {"runs": runs_of(found.pk), "changes": changes}
    if found.kind == "command" and may(request, "commands.see"):
        context["executions"] = [_told(one) for one in executions.of(found.pk, limit=ROWS)]
    return page(request, "history", context)


def _told(one: Execution) -> dict[str, Any]:
    """A command that the server was asked for, as the page shows it."""
    told = {name: getattr(one, name) for name in SHOWN}
    return {
        **told,
        "at": rfc3339(one.at),
        "output": bytes(one.output),
        "outcome": outcome(told),
    }
