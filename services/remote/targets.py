"""Where a command goes: a server of this panel, by its name and its own key, or another's, by address and key."""

from typing import NamedTuple

from services.client.commands import Target
from services.client.exchange import Guard
from services.client.targets import refuse_forbidden
from services.errors import NotRunning
from services.models import Command, Server, Status
from services.operations import find
from services.remote import files, switch


class Way(NamedTuple):
    """A target, and what must be asked of its addresses first."""

    target: Target
    guard: Guard | None


def way_to(command: Command) -> Way:
    """Raises ServerUnknown, NotRunning, RemoteCommandsOff or KeyRefused."""
    if not command.server:
        return Way(Target(command.host, command.port, bytes.fromhex(command.key)), refuse_forbidden)
    switch.require()
    server = find(command.server)
    if not Status.objects.filter(pk=server.pk, state="RUNNING").exists():
        raise NotRunning(f"{server.name} is not running: start it, then run the command again.")
    return Way(Target(_here(server), server.port, files.server_public(server.pk)), None)


def _here(server: Server) -> str:
    """The address by which this machine reaches it."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)  # noqa: S104 - nothing is bound here
