"""Which remote-command servers run just now: for the banner that stands on every page while one does."""

import time
from typing import NamedTuple

from asgiref.sync import sync_to_async

from services import hints, nodes
from services.models import Server, Status

LOOK_EVERY = 0.5  # seconds; a hint that got lost costs at most this


class Standing(NamedTuple):
    """A remote-command server that runs."""

    name: str
    shell: bool  # takes a free command line
    dialect: str


def running() -> list[Standing]:
    """By name, those on their way to a stop too. One query where there are none; without a supervisor nothing runs."""
    servers = {server.pk: server for server in Server.objects.filter(kind="command")}
    if not servers:
        return []
    up = Status.objects.filter(pk__in=servers, state__in=("RUNNING", "STOPPING")).values_list("pk", flat=True)
    alive = {node: nodes.alive(node) for node in {servers[pk].node for pk in up}}
    return sorted(_standing(servers[pk]) for pk in up if alive[servers[pk].node])


async def ended(within: float) -> list[Standing]:
    """Wait until none runs any more, `within` seconds at the most; those that still do."""
    deadline = time.monotonic() + within
    async with hints.Listener("panel") as listener:
        while True:
            left, names = deadline - time.monotonic(), await sync_to_async(running)()
            if not names or left <= 0:
                return names
            await listener.wait(min(left, LOOK_EVERY))


def _standing(server: Server) -> Standing:
    dialect = str(server.options.get("dialect", "frames"))
    return Standing(server.name, bool(server.options.get("shell")) or dialect == "ready", dialect)
