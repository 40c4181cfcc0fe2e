"""A configured server in the foreground of a terminal: run by the supervisor that is there, or by this process, and recorded.

At the end it is left as it was found: wanted to run if it was before, stopped if it was not.
"""

import asyncio
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings

from services import history, nodes, operations, terminal
from services.errors import SupervisorAway
from services.management import standing
from services.management.follow import Follower, as_line
from services.management.printer import Printer
from services.management.signals import stop_event
from services.models import Server, StateChange, Status
from services.runtime import Runtime

WAIT = 15.0  # seconds for a state to settle
MOST = 100  # changes told at one look
RUNNING, OVER = frozenset({"RUNNING"}), frozenset({"STOPPED", "EXITED", "FATAL"})


def require_home(server: Server) -> None:
    """Raises SupervisorAway for a server of another node that nobody supervises: its address is not ours to open."""
    if server.node != settings.SOCKPANEL_NODE and not nodes.alive(server.node):
        raise SupervisorAway(
            f"{server.name} belongs to node {server.node}, where no supervisor runs, and this is node "
            f"{settings.SOCKPANEL_NODE}: run it there."
        )


async def run(server: Server, who: str) -> str:
    """Run and follow `server` until Ctrl-C or its end. Returns why it could not serve, as a line; "" when all is well."""
    with stop_event() as stop:
        printer = Printer(gone=stop)
        follower = Follower(server, printer, as_line, await sync_to_async(history.last_seq)(server.pk))
        try:
            if await sync_to_async(nodes.alive)(server.node):
                return await _Session(server, who, printer, follower).run(stop)
            return await _supervised(server, _Session(server, who, printer, follower, alone=True), stop)
        finally:
            await follower.catch_up()
            printer.close()


async def _supervised(server: Server, session: "_Session", stop: asyncio.Event) -> str:
    """Be the supervisor of this one server for as long as the session lasts. Raises AlreadySupervised."""
    end = asyncio.Event()
    runtime = Runtime(settings.SOCKPANEL_DATA_DIR, server.node, only=server.name)
    supervising = asyncio.create_task(runtime.run(end), name="runtime")
    begun = asyncio.create_task(runtime.began.wait(), name="begun")
    await asyncio.wait({supervising, begun}, return_when=asyncio.FIRST_COMPLETED)
    begun.cancel()
    following = asyncio.create_task(session.run(stop), name="session")
    try:
        await asyncio.wait({supervising, following}, return_when=asyncio.FIRST_COMPLETED)
        if supervising.done():
            stop.set()
            supervising.result()
        return await following
    finally:
        stop.set()
        end.set()
        await asyncio.gather(following, supervising, return_exceptions=True)


class _Session:
    """One server, from its start to the end of the command."""

    def __init__(self, server: Server, who: str, printer: Printer, follower: Follower, alone: bool = False) -> None:
        self._server, self._who = server, who
        self._printer, self._follower = printer, follower
        self._keep = server.wanted == Server.Wanted.RUNNING
        self._alone = alone  # no supervisor will be there afterwards
        self._told = 0  # the last change of its state that was told

    async def run(self, stop: asyncio.Event) -> str:
        asked = await sync_to_async(operations.start)(self._server, self._who)
        try:
            status = await self._settled(asked, stop)
            if stop.is_set():
                return ""
            if failure := standing.failure(self._server, status, RUNNING, WAIT):
                return failure
            await self._pass_over()
            self._printer.line(f"{standing.outcome(self._server, status)}; Ctrl-C {self._farewell()}.")
            await self._follower.until(stop, self._is_over)
            return await self._why() if not stop.is_set() else ""
        finally:
            if not self._keep and await Server.objects.filter(pk=self._server.pk).aexists():
                asked = await sync_to_async(operations.stop)(self._server, self._who)
                await operations.asettle(self._server, asked, WAIT)

    def _farewell(self) -> str:
        if not self._keep:
            return "stops it"
        return "stops it until Sockpanel is started again" if self._alone else "leaves it running"

    async def _settled(self, asked: int, stop: asyncio.Event) -> Status | None:
        """Where the server stands once it rests, or once nobody waits any more."""
        settling: asyncio.Task[Any] = asyncio.create_task(operations.asettle(self._server, asked, WAIT), name="settle")
        stopped: asyncio.Task[Any] = asyncio.create_task(stop.wait(), name="stop-asked")
        try:
            await asyncio.wait({settling, stopped}, return_when=asyncio.FIRST_COMPLETED)
            return settling.result() if settling.done() else None
        finally:
            for task in (settling, stopped):
                task.cancel()
            await asyncio.gather(settling, stopped, return_exceptions=True)

    def _is_over(self, server: Server) -> bool:
        """Whether it rests, or is no longer there. Where it went on its way is told."""
        status = Status.objects.filter(pk=server.pk).first()
        for change in StateChange.objects.filter(server_id=server.pk, pk__gt=self._told).order_by("pk")[:MOST]:
            self._told = change.pk
            self._tell(server, Status(state=change.new, reason=change.reason, address=status.address if status else ""))
        return status is None or status.state in OVER

    def _tell(self, server: Server, status: Status) -> None:
        reason = "" if status.state == "RUNNING" else f": {terminal.plain(status.reason)}"
        self._printer.line(f"{standing.outcome(server, status)}{reason}")

    async def _pass_over(self) -> None:
        """What led to its start needs no telling: it runs."""
        changes = StateChange.objects.filter(server_id=self._server.pk, new="RUNNING").order_by("-pk")
        self._told = await changes.values_list("pk", flat=True).afirst() or 0

    async def _why(self) -> str:
        """Why it ended while it was followed, when that is a failure."""
        status = await Status.objects.filter(pk=self._server.pk).afirst()
        return standing.failure(self._server, status, OVER - {"FATAL"}, WAIT) if status else ""
