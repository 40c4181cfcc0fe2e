"""A server's recorded messages on a terminal as they come: the database is read after each hint, and by itself every second."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from asgiref.sync import sync_to_async

from services import hints, history, terminal
from services.history import MessageOut, Query
from services.management.printer import Printer
from services.models import Server

LOOK_EVERY = 1.0  # seconds; a hint that got lost costs at most this
PAGE = 100

Render = Callable[[MessageOut], bytes]


class Follower:
    """Prints each message once, in order."""

    def __init__(self, server: Server, printer: Printer, render: Render, after: int) -> None:
        self._server, self._printer, self._render = server, printer, render
        self._after = after  # the last one printed

    async def until(self, stop: asyncio.Event, over: Callable[[Server], bool]) -> None:
        """Print what comes until `stop` is set or `over`, asked at each look, says so."""
        stopped = asyncio.create_task(stop.wait(), name="stop-asked")
        try:
            async with hints.Listener("panel") as listener:
                while not stop.is_set():
                    ended = await sync_to_async(over)(self._server)
                    await self.catch_up()
                    if ended:
                        return
                    await self._hinted(listener, stopped)
        finally:
            await _end(stopped)

    async def _hinted(self, listener: hints.Listener, stopped: asyncio.Task[Any]) -> None:
        """Wait for a hint at this server, for the time to look without one, or for the end."""
        deadline = time.monotonic() + LOOK_EVERY
        while not stopped.done() and (left := deadline - time.monotonic()) > 0:
            servers = await _first(listener.wait(left), stopped)
            if servers is None or self._server.pk in servers:
                return

    async def catch_up(self) -> None:
        """Print everything that is recorded, page by page."""
        more = True
        while more:
            page = await sync_to_async(history.messages)(self._server.pk, Query(after=self._after, limit=PAGE))
            for message in page.messages:
                await self._printer.room()
                self._printer.raw(self._render(message))
            self._after, more = page.last or self._after, page.more


async def _first(hint: Coroutine[Any, Any, set[int] | None], stopped: asyncio.Task[Any]) -> set[int] | None:
    """The servers that were hinted at, None for all; nobody when the end came first."""
    hinted = asyncio.create_task(hint, name="hint-awaited")
    try:
        await asyncio.wait({hinted, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return hinted.result() if hinted.done() else set()
    finally:
        await _end(hinted)


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def newest(server: Server, count: int) -> tuple[list[MessageOut], int]:
    """The last `count` messages, and the number to follow after."""
    if count < 1:
        return [], history.last_seq(server.pk)
    page = history.messages(server.pk, Query(limit=count))
    return page.messages, page.last or history.last_seq(server.pk)


def is_removed(server: Server) -> bool:
    return not Server.objects.filter(pk=server.pk).exists()


def as_line(message: MessageOut) -> bytes:
    """One line for people."""
    at = round(datetime.fromisoformat(message.at).timestamp() * 1_000_000)
    by = f"  (sent by {terminal.plain(message.sent_by)})" if message.sent_by else ""
    told = terminal.message(at, message.connection, message.peer, message.direction, message.size, message.data)
    return terminal.line(f"{told}{by}")


def as_json(message: MessageOut) -> bytes:
    """One line for scripts."""
    return terminal.line(terminal.as_json_line(message))


def as_bytes(message: MessageOut) -> bytes:
    """What was kept of the message, as it is."""
    return message.data
