"""Whose conversations are for whom: what remote-command servers were told to run, and what came of it, viewers do not see.

A server that has run commands keeps them to itself when it is changed into another kind. It knows no request but to refuse it.
"""

from collections.abc import Collection

from django.http import HttpRequest

from services.models import Execution, Server
from sockpanel.accounts import access
from sockpanel.accounts.permissions import COMMANDS_SEEN, includes


def check(request: HttpRequest, server: Server) -> None:
    """Raises NotAllowed where the bytes that this server has recorded are not for whoever asks."""
    if hidden(str(access.allowed(request.user, "servers.see").rank), {server.pk}):
        access.check(request, COMMANDS_SEEN)


def hidden(role: str, servers: Collection[int]) -> set[int]:
    """Those of these servers (by id) whose recorded bytes this role does not see."""
    if not servers or includes(role, COMMANDS_SEEN):
        return set()
    now = Server.objects.filter(pk__in=servers, kind="command").values_list("pk", flat=True)
    once = Execution.objects.filter(server_id__in=servers).values_list("server_id", flat=True).distinct()
    return {*now, *once}
