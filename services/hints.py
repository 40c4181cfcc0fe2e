"""Hints: "look again", said between the processes of a panel over its channel layer. Nothing else travels there.

    await ahint(SUPERVISOR)  # or hint(SUPERVISOR) where nothing can be awaited; after the commit of what is to be seen
    async with Listener(PANEL) as listener:
        look_at_everything()
        servers = await listener.wait(2.0)  # the ids hinted at since the last call; None for all; empty when none in time

The database is the truth, and everyone also looks by himself every 2 s: a lost hint costs that and no more. Therefore no failure of
the bus ever reaches a caller. Whoever can write to the bus can make people look, and no more: all but `{"type": "look", "server":
id or None}` is ignored. It knows no particular layer.
"""

import asyncio
import logging
import time
from typing import Any, Self

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from services.bus.complaints import Complaints
from services.errors import BusUnreachable

SUPERVISOR = "supervisor"  # those who make what is wanted come true
PANEL = "panel"  # those who show what is

WITHIN = 1.0  # seconds that one call to the layer may take
REST = 1.0  # seconds without another try after a failure: a hint that waits for a broken bus helps nobody
REFRESH = 15.0  # seconds between two renewals of a membership, long before any layer lets it end
MAX_SERVERS = 10_000  # hinted at between two looks; beyond it, look at all

logger = logging.getLogger(__name__)
_complaints = Complaints(logger)
_under_way: set[asyncio.Task[None]] = set()
_resting_until = 0.0


async def ahint(group: str, server: int | None = None) -> None:
    """Make everyone in the group look again: at one server, or at all. Never fails and takes `WITHIN` at the most."""
    global _resting_until
    if time.monotonic() < _resting_until:
        return
    try:
        async with asyncio.timeout(WITHIN):
            await _layer().group_send(group, {"type": "look", "server": server})
    except Exception as error:  # whatever the layer raises: the caller's work is done, and everyone looks by himself
        _resting_until = time.monotonic() + REST
        _complain(error)


def hint(group: str, server: int | None = None) -> None:
    """`ahint` for views, threads and commands. In a coroutine's thread the hint goes out as soon as the loop has its turn."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        _hint_from_thread(group, server)
        return
    task = loop.create_task(ahint(group, server), name="hint")
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


def _hint_from_thread(group: str, server: int | None) -> None:
    try:
        async_to_sync(ahint)(group, server)
    except Exception as error:  # no thread for a loop, say
        _complain(error)


class Listener:
    """A member of a group that gathers its hints; to be used in one event loop, by one waiter.

    It joins when it is entered, or at the first `wait`; whoever looks after that misses nothing. When the bus fails it joins again,
    and then says "all", for nobody knows what was missed.
    """

    def __init__(self, group: str) -> None:
        self.group = group
        self.ignored = 0  # messages that were no hints
        self._missed = False  # whether hints may have been lost
        self._servers: set[int] | None = set()
        self._hinted = asyncio.Event()
        self._joined = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def wait(self, timeout: float) -> set[int] | None:
        """The servers hinted at since the last call, None for all; waits at most `timeout` seconds, then the set is empty.

        Cancelled, it loses nothing.
        """
        await self._start()
        try:
            async with asyncio.timeout(timeout):
                await self._hinted.wait()
        except TimeoutError:
            pass
        self._hinted.clear()
        servers, self._servers = self._servers, set()
        return servers

    async def close(self) -> None:
        """Leave the group."""
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=3 * WITHIN)
            self._task = None

    async def _start(self) -> None:
        """Begin to read, and be in the group on return unless the bus is away."""
        if self._task:
            return
        self._task = asyncio.create_task(self._keep_reading(), name=f"hints for {self.group}")
        try:
            async with asyncio.timeout(WITHIN):
                await self._joined.wait()
        except TimeoutError:
            self._missed = True

    async def _keep_reading(self) -> None:
        while True:
            try:
                await self._read()
            except Exception as error:  # whatever the layer raises: join again
                _complain(error)
            self._missed = True
            await asyncio.sleep(REST)

    async def _read(self) -> None:
        """One membership, from joining to the layer's failure."""
        layer = _layer()
        channel = ""
        try:
            async with asyncio.timeout(WITHIN):
                channel = await layer.new_channel()
                await layer.group_add(self.group, channel)
            if self._missed:
                self._note(None)
            self._joined.set()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._refresh(layer, channel), name=f"membership in {self.group}")
                # A task of its own, never cancelled by a deadline: channels_redis forgets a channel whose reader is cancelled.
                tasks.create_task(self._receive(layer, channel), name=f"reader for {self.group}")
        finally:
            await self._leave(layer, channel)

    async def _refresh(self, layer: Any, channel: str) -> None:
        while True:
            await asyncio.sleep(min(REFRESH, getattr(layer, "group_expiry", REFRESH) / 3))
            async with asyncio.timeout(WITHIN):
                await layer.group_add(self.group, channel)

    async def _receive(self, layer: Any, channel: str) -> None:
        while True:
            match await layer.receive(channel):
                case {"type": "look", "server": None}:
                    self._note(None)
                case {"type": "look", "server": int(server)} if server is not True and server is not False:
                    self._note(server)
                case _:
                    self.ignored += 1

    def _note(self, server: int | None) -> None:
        if server is None or self._servers is None or len(self._servers) >= MAX_SERVERS:
            self._servers = None
        else:
            self._servers.add(server)
        self._hinted.set()

    async def _leave(self, layer: Any, channel: str) -> None:
        if not channel:
            return
        try:
            async with asyncio.timeout(WITHIN):
                await layer.group_discard(self.group, channel)
        except Exception as error:  # a layer that is away forgets the membership by itself
            _complain(error)


def _layer() -> Any:
    layer = get_channel_layer()
    if layer is None:
        raise BusUnreachable("No channel layer is configured: set CHANNEL_LAYERS in the settings.")
    return layer


def _complain(error: Exception) -> None:
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    reason = str(error) or type(error).__name__
    _complaints.warn(
        "The bus failed (%s): hints are lost, changes are seen up to 2 s later. Check its directory or Redis.", reason
    )
