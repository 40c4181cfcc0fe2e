"""Lets one source send no more messages a second than allowed, by not reading it. It knows neither sockets nor frames.

Its streams take turns: whoever has sent too much waits in a row, and one timer lets the first of it go on when there is room again.
"""

import asyncio
from collections.abc import Callable

from services.servers.rate import ROUNDED
from services.servers.waiting import Waiting

AHEAD = 1.0  # seconds of messages that may come at once
OWED = 60.0  # seconds at the most that a source has to wait for what its lost connections left
QUANTUM = 0.02  # seconds of messages that are let through together: a timer for each would cost more than they do


class Pace:
    """Of one source. `held` is called whenever one of its streams has to wait, `reason` is why that is not read."""

    __slots__ = ("_ahead", "_every", "_full_at", "_held", "_loop", "_queue", "_reason", "_timer")

    def __init__(self, rate: float, reason: int, loop: asyncio.AbstractEventLoop, held: Callable[[], None]) -> None:
        self._every = 1.0 / rate  # seconds for one
        self._ahead = max(AHEAD, self._every)
        self._full_at = loop.time()  # when nothing of it is spent any more
        self._reason = reason
        self._loop = loop
        self._held = held
        self._queue: dict[Waiting, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def share(self) -> int:
        """How many messages may be taken now; nobody passes those that wait."""
        if self._queue:
            return 0
        now = self._loop.time()
        return max(0, int((now + self._ahead - max(self._full_at, now)) / self._every + ROUNDED))

    def spend(self, messages: int) -> None:
        """So many were taken, of a lost connection perhaps more than the share."""
        now = self._loop.time()
        self._full_at = min(max(self._full_at, now) + messages * self._every, now + max(OWED, self._ahead))

    def is_full(self, now: float) -> bool:
        """Whether nothing is lost when it is forgotten."""
        return self._full_at <= now

    def queue(self, stream: Waiting) -> None:
        """`stream` waits until it is its turn."""
        self._queue[stream] = None
        self._held()
        self._arm()

    def leave(self, stream: Waiting) -> None:
        """`stream` has ended."""
        self._queue.pop(stream, None)

    def _arm(self) -> None:
        if self._timer is None:
            room_at = self._full_at - self._ahead + max(self._every, QUANTUM)
            self._timer = self._loop.call_at(room_at, self._next)

    def _next(self) -> None:
        """Let as many go on as there is room for, each once; whoever has too much again waits behind the others."""
        self._timer = None
        waiting, self._queue = self._queue, {}
        while waiting and self.share():
            stream = next(iter(waiting))
            del waiting[stream]
            stream.go_on(self._reason)
        self._queue = waiting | self._queue
        if self._queue:
            self._arm()
