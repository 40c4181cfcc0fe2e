"""A configured server in the foreground of a terminal: run by the supervisor that is there, or by this process, and recorded.

At the end it is left as it was found: wanted to run if it was before, stopped if it was not.
"""

import asyncio
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings

from services import history, nodes, operations
from services.management import standing
from services.management.follow import Follower, as_line
from services.management.printer import Printer
from services.management.signals import stop_event
from services.models import Server, Status
from services.runtime import Runtime

WAIT = 15.0  # seconds for a state to settle
RUNNING, OVER = frozenset({"RUNNING"}), frozenset({"STOPPED", "EXITED", "FATAL"})


async def run(server: Server, who: str) -> str:
    """Run and follow `server` until Ctrl-C or its end. Returns why it could not serve, as a line; "" when all is well."""
    with stop_event() as stop:
        printer = Printer(gone=stop)
        follower = Follower(server, printer, as_line, await sync_to_async(history.last_seq)(server.pk))
        try:
            if await sync_to_async(nodes.alive)(server.node):
                return await _Session(server, who, printer, follower).run(stop)
            return await _supervised(server, _Session(server, who, printer, follower), stop)
        finally:
            await follower.catch_up()
            printer.close()


async def _supervised(server: Server, session: "_Session", stop: asyncio.Event) -> str:
    """Be the supervisor of this one server for as long as the session lasts. Raises AlreadySupervised."""
    end = asyncio.Event()
    runtime = Runtime(settings.SOCKPANEL_DATA_DIR, server.node, only=server.name)
    supervising = asyncio.create_task(runtime.run(end), name="runtime")
    following = asyncio.create_task(session.run(stop), name="session")
    try:
        await asyncio.wait({supervising, following}, return_when=asyncio.FIRST_COMPLETED)
        if supervising.done():
            supervising.result()
        return await following
    finally:
        stop.set()
        end.set()
        await asyncio.gather(following, supervising, return_exceptions=True)


class _Session:
    """One server, from its start to the end of the command."""

    def __init__(self, server: Server, who: str, printer: Printer, follower: Follower) -> None:
        self._server, self._who = server, who
        self._printer, self._follower = printer, follower
        self._keep = server.wanted == Server.Wanted.RUNNING

    async def run(self, stop: asyncio.Event) -> str:
        asked = await sync_to_async(operations.start)(self._server, self._who)
        try:
            status = await self._settled(asked, stop)
            if stop.is_set():
                return ""
            if failure := standing.failure(self._server, status, RUNNING, WAIT):
                return failure
            at_the_end = "leaves it running" if self._keep else "stops it"
            self._printer.line(f"{standing.outcome(self._server, status)}; Ctrl-C {at_the_end}.")
            await self._follower.until(stop, _is_over)
            return await self._why() if not stop.is_set() else ""
        finally:
            if not self._keep:
                asked = await sync_to_async(operations.stop)(self._server, self._who)
                await operations.asettle(self._server, asked, WAIT)

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

    async def _why(self) -> str:
        """It ended while it was followed: why, when that is a failure."""
        status = await Status.objects.filter(pk=self._server.pk).afirst()
        self._printer.line(standing.outcome(self._server, status))
        return standing.failure(self._server, status, OVER - {"FATAL"}, WAIT)


def _is_over(server: Server) -> bool:
    """Whether it rests, or is no longer there."""
    state = Status.objects.filter(pk=server.pk).values_list("state", flat=True).first()
    return state is None or state in OVER
