"""Start, stop and restart by a form's button, for one server or several: ask, wait a little, say in a sentence what came of it."""

import time
from collections.abc import Callable, Iterable

from django.contrib import messages
from django.http import HttpRequest

from services import describe, nodes, operations
from services.errors import SockpanelError
from services.models import Server
from sockpanel.accounts.access import check
from sockpanel.pages.frame import SETTLE, who
from sockpanel.templatetags.shown import is_unwell

VERBS: dict[str, Callable[[Server, str], int]] = {
    "start": operations.start,
    "stop": operations.stop,
    "restart": operations.restart,
}
DEEDS = {verb: f"servers.{verb}" for verb in VERBS}


def carry_out(request: HttpRequest, verb: str, servers: Iterable[Server]) -> None:
    """Ask it of every server first, then wait for all of them together. The outcome goes into the request's messages."""
    check(request, DEEDS[verb])
    asked: list[tuple[Server, int]] = []
    for server in servers:
        try:
            asked.append((server, VERBS[verb](server, who(request))))
        except SockpanelError as error:
            messages.error(request, error.message)
    deadline = time.monotonic() + SETTLE
    for server, number in asked:
        settled = operations.settle(server, number, max(0.0, deadline - time.monotonic()))
        if settled is None and nodes.alive(server.node):
            messages.warning(request, f"{server.name} is still on its way: its state shows when it is there.")
        else:
            _say(request, verb, server)


def _say(request: HttpRequest, verb: str, server: Server) -> None:
    """What became of it, in a sentence; none where the page shows the reason in the server's row or head."""
    told = describe.describe([server])[0]
    wanted = "STOPPED" if verb == "stop" else "RUNNING"
    if told["state"] != wanted:
        if not is_unwell(told):
            messages.error(request, f"{server.name}: {told['reason'] or 'it did not work, and nothing says why.'}")
    elif verb == "stop":
        messages.success(request, f"{server.name} is stopped.")
    else:
        messages.success(request, f"{server.name} is running on {told['address']}.")
