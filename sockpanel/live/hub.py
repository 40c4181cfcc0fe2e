"""The hub: one per event loop, so one per web process. It hears "look again" and keeps the Room's rounds going.

It starts with the first WebSocket and stops with the last.

    async with visit() as room:
        seat = await room.sit(person, outlet, server=3)
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from weakref import WeakKeyDictionary

from django.db import Error

from services import hints
from services.errors import DatabaseAway
from sockpanel.live import wire
from sockpanel.live.room import Room

logger = logging.getLogger(__name__)

UNREADABLE = (Error, TimeoutError)
SLOW = 5.0  # seconds that a round may take before people are told
COMPLAIN_EVERY = 30.0  # seconds between two complaints at least
HINTS_EVERY = 60.0  # seconds to wait for hints at a time; rounds look by themselves
TRY_AGAIN = 0.5  # seconds after a round that failed

_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, "Hub"] = WeakKeyDictionary()


@contextlib.asynccontextmanager
async def visit() -> AsyncIterator["Hub"]:
    """The running loop's hub, which runs while anybody visits."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None or hub.ended:
        hub = _hubs[loop] = Hub()
    hub.visits += 1
    try:
        yield hub
    finally:
        hub.visits -= 1
        if not hub.visits:
            if _hubs.get(loop) is hub:
                del _hubs[loop]
            await hub.stop()


def close_all(code: int = wire.RESTART) -> None:
    """Tell every WebSocket of the running loop to come back later."""
    if hub := _hubs.get(asyncio.get_running_loop()):
        hub.room.close_all(code)


class Hub:
    """The tasks around one Room."""

    def __init__(self) -> None:
        self.room = Room()
        self.visits = 0
        self.ended = False
        self._wake = asyncio.Event()
        self._is_in_trouble, self._complained_at = False, -COMPLAIN_EVERY
        self._tasks = [
            asyncio.create_task(work, name=name)
            for name, work in (("live rounds", self._run()), ("live hints", self._listen()))
        ]
        for task in self._tasks:
            task.add_done_callback(self._task_ended)

    def wake(self) -> None:
        """There may be something to do before the time."""
        self._wake.set()

    async def stop(self) -> None:
        """End the tasks and the reader."""
        self.ended = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(*UNREADABLE):
            await self.room.reader.close()

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        """Neither ends by itself: when one does, the clients are told to come back, and find a new hub."""
        if not self.ended and not task.cancelled():
            self.ended = True
            logger.error("%s ended: every WebSocket is closed.", task.get_name(), exc_info=task.exception())
            self.room.close_all(wire.RESTART)

    async def _listen(self) -> None:
        async with hints.Listener(hints.PANEL) as listener:
            while True:
                servers = await listener.wait(HINTS_EVERY)
                for server in [None] if servers is None else servers:
                    self.room.hint(server)
                    self.wake()

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self.room.due - time.monotonic())):
                    await self._wake.wait()
            self._wake.clear()
            await self._round_safely()

    async def _round_safely(self) -> None:
        """A database that is away or stalls must not end the live view: it says so once, and looks again in a while."""
        try:
            await self._round()
        except UNREADABLE as error:
            self._complain(str(error) or type(error).__name__)
            await asyncio.sleep(TRY_AGAIN)
        else:
            self._is_in_trouble = False

    async def _round(self) -> None:
        watch = asyncio.get_running_loop().call_later(SLOW, self._complain, f"no answer in {SLOW:g} s")
        try:
            await self.room.round(time.monotonic())
        finally:
            watch.cancel()

    def _complain(self, trouble: str) -> None:
        if not self._is_in_trouble and time.monotonic() - self._complained_at >= COMPLAIN_EVERY:
            self._is_in_trouble, self._complained_at = True, time.monotonic()
            logger.error("The live view cannot read the database (%s): it goes on when it can.", trouble)
            self.room.say_all(
                DatabaseAway("The database does not answer: what is shown here stands still until it does.")
            )
